package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
)

// indispensable are the plugins without which there is nothing to sync. What others are for
// is for the Applications to say that need them.
var indispensable = []string{"directory", "helm", "kustomize"}

// pluginPatience is how long readiness waits for a plugin to start.
const pluginPatience = time.Second

// pluginsWrong says which renderers do not start. One that has failed is tried again
// whenever somebody asks: maybe nobody else does. What it says of itself is in the log,
// for anybody may ask this.
func pluginsWrong(h *host.Host) string {
	for _, name := range indispensable {
		if h.Failed(name) == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), pluginPatience)
		err := h.Warm(ctx, name)
		cancel()
		if err != nil {
			return fmt.Sprintf("plugin %s does not start, and is tried again: the log says why", name)
		}
	}
	return ""
}
