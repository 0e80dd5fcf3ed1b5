// The refresh that follows loads the page again where nothing else does: without JavaScript, where a policy blocks it,
// and in a browser too old for the rest of it. Inside a template it counts for nothing.
try {
  // Browsers with these three have numbers with units, too. Trying one out would start ICU: half of the page's script time.
  if ('noModule' in document.createElement('script') && window.HTMLDialogElement && Intl.DisplayNames) {
    document.write('<template>');
    document.documentElement.dataset.script = 'on';
  }
} catch (e) { /* the page loads itself again */ }
