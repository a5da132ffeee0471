package install

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Names of what is installed.
const (
	// Name is that of the Deployment, the ServiceAccount and all that has no other.
	Name = "tidelock"
	// DefaultNamespace is where it is installed, if nobody says otherwise.
	DefaultNamespace = "tidelock"
	// Image is what runs, without its tag.
	Image = "ghcr.io/tidelock-io/tidelock"
)

// Options are what installations differ in.
type Options struct {
	// Namespace is where the agent runs, and where its Applications are.
	Namespace string
	// Image is what runs, with tag or digest.
	Image string
	// SealingNamespace is where the keys of the sealed-secrets controller are.
	SealingNamespace string
	// Impersonate makes the agent write in the name of the ServiceAccounts that
	// projects name. It has no right to write to a destination by itself then.
	Impersonate bool
	// Shadow makes the agent look on at Argo CD, in whose namespace it then is. It may
	// read, and do nothing else.
	Shadow bool
	// ShadowDryRuns makes it ask the API server by dry runs what it would change.
	ShadowDryRuns bool
	// KeepNamespace leaves the Namespace out: it is there, and is somebody else's.
	KeepNamespace bool
	// Monitoring adds a ServiceMonitor and a PrometheusRule, of the Prometheus
	// operator's kinds.
	Monitoring bool
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	var errs []error
	for _, name := range []struct{ option, value string }{
		{"namespace", o.Namespace}, {"sealed-secrets-namespace", o.SealingNamespace},
	} {
		if wrong := validation.IsDNS1123Label(name.value); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("%s %q: %s", name.option, name.value, strings.Join(wrong, "; ")))
		}
	}
	if o.Image == "" || strings.ContainsAny(o.Image, " \t\n\"'") {
		errs = append(errs, fmt.Errorf("image %q: give a name such as %s:v1.0.0", o.Image, Image))
	}
	if o.ShadowDryRuns && !o.Shadow {
		errs = append(errs, errors.New("shadow-dry-runs: it is for shadow only"))
	}
	return errors.Join(errs...)
}
