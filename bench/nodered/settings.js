// Node-RED without its editor, on this machine only.
module.exports = {
    uiHost: "127.0.0.1",
    httpAdminRoot: false,
    telemetry: { enabled: false },
    logging: { console: { level: "error", metrics: false, audit: false } },
};
