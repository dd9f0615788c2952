// One dialect of Svelte for all of the page. Styles stand in src/style/, none in a component.
export default {
  compilerOptions: { runes: true },
};
