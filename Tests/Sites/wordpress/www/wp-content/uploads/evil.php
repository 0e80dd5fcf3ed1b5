<?php echo "of-the-site: must not run";
