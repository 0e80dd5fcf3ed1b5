<?php
require __DIR__ . '/arrive.inc';
header('Content-Type: application/json');
echo '{"of-the-site":', json_encode($_POST), '}';
