"use strict";
// Keeps the page fresh: asks for it again and puts what changed in its place, but nothing that somebody is in.
(() => {
  const SECONDS = 15;
  const link = document.getElementById("link");
  const busy = (part) => part.contains(document.activeElement) || part.contains(getSelection().anchorNode && !getSelection().isCollapsed ? getSelection().anchorNode : null);

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch("/", { cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      link.textContent = "";
    } catch {
      link.textContent = "The site does not answer; what stands here is as of the time above.";
    }
  }

  function show(fresh) {
    const ids = (page) => [...page.querySelectorAll("[data-live]")].map((part) => part.id).join();
    if (ids(fresh) !== ids(document)) {
      location.reload();
      return;
    }
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (part.innerHTML !== other.innerHTML && !busy(part)) part.replaceWith(document.adoptNode(other));
    }
  }

  setInterval(refresh, SECONDS * 1000);
  document.addEventListener("visibilitychange", refresh);
})();
