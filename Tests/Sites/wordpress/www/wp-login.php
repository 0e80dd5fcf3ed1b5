<?php
require __DIR__ . '/arrive.inc';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    setcookie('wordpress_logged_in_1', 'x');
    header('Location: /wp-admin/');
    exit;
}
echo '<form method="post">of-the-site</form>';
