console.log("of-the-site");
