// SPDX-License-Identifier: Apache-2.0
//
// The systemd unit that `vestibule install` writes. deploy/vestibule.service is the same text, for people who install
// by hand; InstallTests compares them.

enum ServiceUnit {
    static let text = """
        # SPDX-License-Identifier: Apache-2.0
        #
        # The worker pool as a systemd service, with a user and a group of its own. The user of nginx is in that \
        group, to reach
        # /run/vestibule/worker-*.sock (`vestibule install` sees to it); the keys are for root alone.
        [Unit]
        Description=Vestibule, a virtual waiting room for nginx
        After=network.target redis-server.service
        # However often it had to be started: it is started again.
        StartLimitIntervalSec=0

        [Service]
        # vestibule tells when it serves, and that its loop turns. A new program takes over with `systemctl kill -s USR2
        # --kill-whom=main vestibule`, in the same process; USR1 replaces the workers one after the other.
        Type=notify
        NotifyAccess=main
        WatchdogSec=10
        # The keys come as a copy that only this service can read; a reload brings a new one.
        LoadCredential=keys.json:/etc/vestibule/keys.json
        ExecStartPre=/bin/rm -f /run/vestibule/keys.json
        ExecStart=/usr/local/bin/vestibule serve --config /etc/vestibule/vestibule.yaml
        ExecReload=+/usr/bin/install -m 0400 -o vestibule -g vestibule /etc/vestibule/keys.json /run/vestibule/keys.json
        # The shell's own kill: /bin/kill is missing where procps is not installed.
        ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
        User=vestibule
        Group=vestibule
        UMask=0077
        RuntimeDirectory=vestibule
        RuntimeDirectoryMode=0750
        # The marks of when each room was last run: if Redis is emptied meanwhile, a room does not begin with \
        its burst again.
        RuntimeDirectoryPreserve=yes
        Restart=always
        RestartSec=1
        TimeoutStopSec=15
        KillMode=mixed
        LimitNOFILE=65536

        # Hardening: `systemd-analyze security vestibule`. PrivateUsers and ProtectProc must stay off: the \
        workers look at who
        # connects, by user and by parent process.
        CapabilityBoundingSet=
        AmbientCapabilities=
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=yes
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectControlGroups=yes
        ProtectClock=yes
        ProtectHostname=yes
        PrivateTmp=yes
        PrivateDevices=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        RemoveIPC=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged
        # A file or socket that is made anew keeps its group.
        SystemCallFilter=@chown
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=multi-user.target

        """
}
