// Command tidelock-cmp serves Argo CD's config management plugins, as the built-in
// plugin cmp does, and has nothing else in it: it starts sooner and takes less
// memory than tidelock, which runs it if it lies beside it and is of the same
// build.
package main

import (
	"fmt"
	"os"

	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/plugins/cmp"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func main() {
	plugin, err := cmp.Load(release.Text())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidelock-cmp:", err)
		os.Exit(1)
	}
	sdk.Serve(plugin)
}
