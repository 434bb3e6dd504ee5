"use strict";
(() => {
  const sorter = new Intl.Collator("en", { numeric: true });

  // A figure's value, a text, or null for what isn't known, which goes last whatever the order.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return text === "-" || text === "" ? null : text;
  };

  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : sorter.compare(String(a), String(b));

  const sort = (table, column) => {
    const headers = [...table.tHead.rows[0].cells];
    const up = headers[column].getAttribute("aria-sort") !== "ascending";
    for (const header of headers) header.removeAttribute("aria-sort");
    headers[column].setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return up ? compare(a, b) : compare(b, a);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(table, column));
      header.append(button);
    });
  }

  const chooser = document.getElementById("chooser");
  if (!chooser) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const figure = document.getElementById("figure");
  const tokens = document.getElementById("tokens");
  const shown = document.getElementById("shown");
  const table = shown.closest("table");
  const rows = [...table.tBodies[0].rows];

  const show = () => {
    const byLength = data.lengths.includes(figure.value);
    tokens.disabled = !byLength;
    const name = figure.selectedOptions[0].textContent;
    shown.textContent = byLength ? `${name}, ${tokens.value} tokens` : name;
    for (const header of table.tHead.rows[0].cells) header.removeAttribute("aria-sort");
    table.tBodies[0].append(...rows);
    const columns = data.cells[0] ? data.cells[0].length : 0;
    for (let column = 0; column < columns; column++) {
      const texts = data.cells.map((row) => {
        const texts = row[column] && row[column][figure.value];
        return (texts && texts[byLength ? tokens.value : ""]) || "-";
      });
      const values = texts.map(parseFloat);
      const known = values.filter((value) => !Number.isNaN(value));
      const best = data.least[figure.value] ? Math.min(...known) : Math.max(...known);
      texts.forEach((text, row) => {
        const cell = rows[row].cells[column + 1];
        cell.querySelector(".figure").textContent = text;
        cell.classList.toggle("best", values[row] === best && known.length > 1);
        cell.dataset.value = Number.isNaN(values[row]) ? "" : values[row];
        // Nothing that happens on a device changes a size.
        const mark = cell.querySelector("sup");
        if (mark) mark.hidden = figure.value === "size";
      });
    }
  };
  figure.addEventListener("change", show);
  tokens.addEventListener("change", show);
  chooser.addEventListener("submit", (event) => event.preventDefault());
  chooser.hidden = false;
  // A browser that goes back keeps what was chosen.
  show();
})();
