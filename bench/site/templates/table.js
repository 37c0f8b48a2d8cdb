"use strict";
(() => {
  const table = document.getElementById("board");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  const keys = rows.map((row) => [...row.cells].map((cell) => cell.dataset.key));
  const numeric = heads.map((_, column) => rows.length > 0 && rows[0].cells[column].classList.contains("number"));

  function compare(a, b, column, direction) {
    const [left, right] = [keys[a][column], keys[b][column]];
    // what has no figure comes last in both directions
    if (left === "" || right === "") return (left === "") - (right === "");
    const order = numeric[column] ? Number(left) - Number(right) : left.localeCompare(right);
    return direction * order || a - b;
  }

  heads.forEach((head, column) => {
    head.firstElementChild.addEventListener("click", () => {
      const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      const order = rows.map((_, index) => index).sort((a, b) => compare(a, b, column, direction));
      body.append(...order.map((index) => rows[index]));
    });
  });

  const filter = document.getElementById("filter");
  const count = document.getElementById("count");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
  });
})();
