"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.firstChild.addEventListener("click", () => {
      const number = head.classList.contains("number");
      const up = head.ariaSort ? head.ariaSort === "descending" : !number;
      const value = (row) => {
        const cell = row.cells[column];
        return number ? Number(cell.dataset.value) : cell.textContent;
      };
      const order = (a, b) => (number ? a - b : a.localeCompare(b, undefined, { numeric: true }));
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => (up ? order(a, b) : order(b, a)));
      body.append(...rows.map(([, row]) => row));
      heads.forEach((other) => (other.ariaSort = null));
      head.ariaSort = up ? "ascending" : "descending";
    });
  });
}
for (const search of document.querySelectorAll("input[type=search]")) {
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const row of search.nextElementSibling.querySelectorAll("tbody tr")) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    }
  });
}
