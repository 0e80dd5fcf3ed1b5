<?php
// The front controller: every address that is no file comes here.
require __DIR__ . '/arrive.inc';
$path = strtok($_SERVER['REQUEST_URI'], '?');
header('X-Powered-By: of-the-site');
if (($_GET['error'] ?? '') === '404') {
    http_response_code(404);
} elseif (str_starts_with($path, '/wp-json/')) {
    header('Content-Type: application/json');
    exit(json_encode(['of-the-site' => $path]));
} elseif ($path === '/old-post') {
    header('Location: /new-post', true, 301);
} elseif (str_starts_with($path, '/commented')) {
    header('Cache-Control: no-cache, must-revalidate, max-age=0');
    setcookie('seen', '1');
}
echo '<!doctype html><title>of-the-site</title><p>', htmlspecialchars($path), ' ', htmlspecialchars($_SERVER['QUERY_STRING']), "</p>\n";
