// Light, dark, or as the system has it; kept in this browser.

export type Theme = "system" | "light" | "dark";

const kKey = "moenet-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(kKey);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage is forbidden: then it lasts as long as the page
  }
}

export const theme = $state({ chosen: stored() });

export function applyTheme(): void {
  if (theme.chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.chosen;
}

export function chooseTheme(chosen: Theme): void {
  theme.chosen = chosen;
  try {
    if (chosen === "system") localStorage.removeItem(kKey);
    else localStorage.setItem(kKey, chosen);
  } catch {
    // as above
  }
  applyTheme();
}
