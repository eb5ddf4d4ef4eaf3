/** How the page looks: on a wide screen and a phone, by day and by night. */
export const style = `
:root {
  color-scheme: light dark;
  --text: #1c2026; --soft: #59636e; --line: #d9dee4; --back: #ffffff; --raised: #f5f7f9; --link: #0b5cad;
  --get: #0b5cad; --post: #1a6b34; --put: #8a5300; --patch: #8a5300; --delete: #a8231b; --need: #a8231b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ec; --soft: #9aa5b1; --line: #343b44; --back: #14171b; --raised: #1d2228; --link: #7db7f5;
    --get: #7db7f5; --post: #78cf93; --put: #e3b341; --patch: #e3b341; --delete: #ff8f87; --need: #ff8f87;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
code, pre, .method { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: .875em; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }

header {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem;
  padding: .6rem 1.25rem; background: var(--back); border-bottom: 1px solid var(--line);
}
h1 { margin: 0; font-size: 1.15rem; }
h1 small { color: var(--soft); font-weight: normal; }
input {
  flex: 1 1 14rem; max-width: 26rem; margin-left: auto; padding: .4rem .7rem; font: inherit; color: inherit;
  background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
}
.columns { display: grid; grid-template-columns: 20rem minmax(0, 1fr); min-height: calc(100vh - 3.6rem); }
nav {
  position: sticky; top: 3.6rem; align-self: start; max-height: calc(100vh - 3.6rem); overflow-y: auto;
  padding: 1rem 1.25rem; font-size: .9rem;
}
nav ul { list-style: none; margin: .1rem 0 .9rem; padding: 0; }
nav a { display: block; padding: .12rem 0; color: inherit; text-decoration: none; }
nav a:hover { color: var(--link); }
nav li a { display: grid; grid-template-columns: 3.9em minmax(0, 1fr); align-items: baseline; font: .78rem/1.4 ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; }
nav .method { font-size: .9em; }
.title { font-weight: 600; }
main { width: 100%; max-width: 62rem; padding: 1rem 2rem 5rem; border-left: 1px solid var(--line); }
main section { margin-bottom: 2.5rem; }
.intro { border-bottom: 1px solid var(--line); padding-bottom: .5rem; }
.intro code { background: var(--raised); border-radius: 4px; padding: .1em .3em; }
h2 { margin: 0 0 .25rem; font-size: 1.35rem; }
h2 + p { margin-top: 0; color: var(--soft); }
h3 { margin: 1.25rem 0 .25rem; font-size: .95rem; }

details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; padding: 0 1rem; }
details[open] { padding-bottom: 1rem; }
summary { margin: 0 -1rem; padding: .55rem 1rem; cursor: pointer; border-radius: 8px; }
summary::marker { color: var(--soft); }
summary:hover { background: var(--raised); }
summary code { font-weight: 600; margin-right: .75rem; }
summary span { color: var(--soft); }
.method { font-weight: 700; }
.GET { color: var(--get); } .POST { color: var(--post); } .PUT { color: var(--put); }
.PATCH { color: var(--patch); } .DELETE { color: var(--delete); }
.rows { list-style: none; margin: 0; padding: 0; }
.rows li { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 0 1.5rem; padding: .4rem 0; border-top: 1px solid var(--line); }
.rows p { margin: 0; }
.rows div:only-child { grid-column: 1 / -1; }
.rows code { font-weight: 600; }
.rows p code { font-weight: normal; }
.type, .rows em { color: var(--soft); font-size: .875rem; font-style: normal; }
.rows em::before { content: '· '; }
.rows strong { color: var(--need); font-size: .8rem; font-weight: 600; }
details > p { margin: .25rem 0 .5rem; color: var(--soft); }
.example { position: relative; }
pre { margin: 0; padding: .8rem 1rem; overflow-x: auto; background: var(--raised); border-radius: 6px; overflow-wrap: normal; }
.example button {
  position: absolute; top: .4rem; right: .4rem; padding: .15rem .6rem; font: .8rem system-ui, sans-serif; color: inherit;
  background: var(--back); border: 1px solid var(--line); border-radius: 5px; cursor: pointer;
}

@media (max-width: 56rem) {
  .columns { display: block; }
  nav { display: none; }
  main { padding: 1rem 1rem 4rem; border: 0; }
  header { padding: .6rem 1rem; }
  input { max-width: none; flex-basis: 100%; }
  html { scroll-padding-top: 7rem; }
  summary span { display: block; margin-top: .1rem; }
}
@media (max-width: 40rem) {
  .rows li { display: block; }
}
@media print { header, nav, .example button { display: none; } .columns { display: block; } }
`;
