app of-the-site
