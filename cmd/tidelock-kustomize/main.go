// Command tidelock-kustomize serves the built-in plugin kustomize, and has nothing else
// in it: it starts sooner and takes less memory than tidelock, which runs it if it
// lies beside it and is of the same build.
package main

import (
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func main() { sdk.Serve(kustomize.Plugin(release.Text())) }
