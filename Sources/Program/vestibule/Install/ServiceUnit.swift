// SPDX-License-Identifier: Apache-2.0
//
// The systemd unit that `vestibule install` writes. deploy/vestibule.service is the same text, for people who install
// by hand; InstallTests compares them.

enum ServiceUnit {
    static let text = """
        # SPDX-License-Identifier: Apache-2.0
        #
        # The worker pool as a systemd service. nginx connects to /run/vestibule/worker-*.sock as group www-data.
        [Unit]
        Description=Vestibule, a virtual waiting room for nginx
        After=network.target redis-server.service

        [Service]
        # vestibule tells when it serves, and that its loop turns. A new program takes over with `systemctl kill -s USR2
        # --kill-whom=main vestibule`, in the same process; USR1 replaces the workers one after the other.
        Type=notify
        NotifyAccess=main
        WatchdogSec=10
        ExecStart=/usr/local/bin/vestibule serve --config /etc/vestibule/vestibule.yaml
        ExecReload=/bin/kill -HUP $MAINPID
        User=vestibule
        Group=www-data
        RuntimeDirectory=vestibule
        RuntimeDirectoryMode=0750
        # The marks of when each room was last run: if Redis is emptied meanwhile, a room does not \
        begin with its burst again.
        RuntimeDirectoryPreserve=yes
        Restart=on-failure
        RestartSec=1
        TimeoutStopSec=15
        KillMode=mixed
        LimitNOFILE=65536
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=yes
        PrivateTmp=yes
        PrivateDevices=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
        MemoryDenyWriteExecute=yes

        [Install]
        WantedBy=multi-user.target

        """
}
