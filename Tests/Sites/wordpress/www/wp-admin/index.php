<?php
require __DIR__ . '/../arrive.inc';
echo 'dashboard of-the-site ', $_SERVER['PATH_INFO'] ?? '';
