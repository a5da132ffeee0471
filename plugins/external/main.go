// Command tidelock-external-secrets is the plugin that resolves ExternalSecrets:
// external-secrets' own providers and templates behind Tidelock's contract
// sdk.SecretSource. It is a module of its own, for external-secrets needs older
// Kubernetes libraries than the rest of Tidelock can use.
//
// Start with source.go: one call is one ExternalSecret. Its data is fetched in
// data.go, its Secret is made in secret.go. Connections to stores outlive a call
// (pool.go, connection.go), and so does what is known of those that fail
// (outage.go). Whatever it refers to in the
// cluster is read through the host (objects.go, tokens.go), which decides what
// may be seen; the network is for the providers alone.
package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"slices"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

// version is that of external-secrets.
const version = "0.20.4"

func main() {
	allowLoopback = slices.Contains(os.Args[1:], loopbackFlag)
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "tidelock-external-secrets:", err)
		os.Exit(1)
	}
	sdk.Serve(sdk.Plugin{
		Name:         "external-secrets",
		Version:      version,
		SecretSource: newSource(),
		Needs:        sandbox.Grants{Network: true},
		Warm:         warm,
	})
}

// warm does what the first call would otherwise wait for.
func warm() {
	// An error shows again, and is reported, when a provider connects.
	_, _ = x509.SystemCertPool()
}
