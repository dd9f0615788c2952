import { mount } from "svelte";

import App from "./App.svelte";
import { followLinks } from "./location.svelte";
import { applyTheme } from "./theme.svelte";
import "./style/base.css";
import "./style/parts.css";
import "./style/controls.css";
import "./style/tables.css";
import "./style/shell.css";

applyTheme();
followLinks();
mount(App, { target: document.getElementById("page")! });
