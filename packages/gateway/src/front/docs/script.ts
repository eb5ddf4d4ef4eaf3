/** What the page does beyond what it shows. Without it the page can be read all the same. */
export const script = `
'use strict';
const all = (selector) => [...document.querySelectorAll(selector)];
const search = document.getElementById('search');
const operations = all('details.operation');

// A proxy in front may serve the page under another scheme, name or path than the gateway sees.
const base = new URL('.', location.href).href.replace(/\\/$/, '');
if (base.startsWith('http')) for (const element of all('.origin')) element.textContent = base;

search.hidden = false;
search.addEventListener('input', filter);
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target === search || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  search.focus();
});
filter();

function filter() {
  const wanted = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const shown = new Set();
  for (const operation of operations) {
    operation.hidden = !wanted.every((word) => operation.dataset.words.includes(word));
    if (!operation.hidden) shown.add(operation.id);
  }
  for (const item of all('nav li')) item.hidden = !shown.has(item.dataset.for);
  for (const section of all('nav section')) section.hidden = !section.querySelector('li:not([hidden])');
  for (const group of all('.group')) group.hidden = !group.querySelector('details:not([hidden])');
  for (const section of all('.intro, #errors, nav > .title')) section.hidden = wanted.length > 0;
  document.getElementById('none').hidden = shown.size > 0;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.matches('details')) target.open = true;
  target.scrollIntoView();
}
addEventListener('hashchange', openTarget);
openTarget();

// Browsers offer the clipboard only to pages from this machine or over https.
if (navigator.clipboard) for (const example of all('.example')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(example.querySelector('pre').textContent);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  example.append(button);
}
`;
