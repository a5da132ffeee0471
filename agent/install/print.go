package install

import (
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// Print writes objects as YAML documents.
func Print(w io.Writer, objects []Object) error {
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
