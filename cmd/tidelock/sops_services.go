package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// surroundings say what plugins may know of the machine.
type surroundings struct {
	// inCluster: this is the agent, and no person's own machine.
	inCluster bool
	// pod: its machine is a pod, and so the agent alone.
	pod bool
	// identity: the agent's pod may log in to clouds by itself.
	identity bool
}

// servicesTime bounds the asking of key services for one file.
const servicesTime = 30 * time.Second

// Variables that the plugin for SOPS' key services is given: how the network is
// reached, and, where the surroundings may log in, those of the clouds' libraries.
var (
	networkVariables = []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}
	cloudVariables   = []string{"AWS_", "AZURE_", "IDENTITY_", "MSI_", "GOOGLE_", "GCE_METADATA_", "CLOUDSDK_", "SOPS_GCP_"}
)

// servicesSpec is the plugin that asks SOPS' key services. It has the network, and
// nothing to log in with but what is handed to it; unless this is a person's own
// machine, or the agent was told to log in as its pod.
func servicesSpec(around surroundings, environ []string) host.Spec {
	spec := host.Spec{
		Name: open.Services, Processes: 1, Limits: host.Limits{Decrypt: servicesTime},
		Grants: sandbox.Grants{Network: true},
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if name == "HOME" && !around.inCluster && filepath.IsAbs(value) {
			spec.Env = append(spec.Env, variable)
			for _, dir := range []string{".aws", ".azure", ".config/gcloud"} {
				spec.Grants.Files = append(spec.Grants.Files, filepath.Join(value, dir))
			}
		}
		ofCloud := slices.ContainsFunc(cloudVariables, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		mayLogIn := !around.inCluster || around.identity
		if !slices.Contains(networkVariables, name) && (!ofCloud || !mayLogIn) {
			continue
		}
		spec.Env = append(spec.Env, variable)
		// A token is renewed by another file in its directory.
		if filepath.IsAbs(value) {
			spec.Grants.Files = append(spec.Grants.Files, readableAt(value)...)
		}
	}
	return spec
}

// readableAt is what has to be readable for a file to be read: of a token of
// Kubernetes, which is a link that moves, all of its directory.
func readableAt(path string) []string {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return []string{filepath.Dir(path)}
	}
	return []string{path}
}
