package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
)

func newInstallCommand() *cobra.Command {
	var crdsOnly bool
	cmd := &cobra.Command{
		Use:   "install --crds-only",
		Short: "Print the manifests that install Tidelock",
		Long: `Print the manifests that install Tidelock, for kubectl.

This version prints the CustomResourceDefinitions of Application, AppProject and
ApplicationSet. They accept all that Argo CD's accept. A cluster that has Argo
CD's needs no others.`,
		Example: `  # server-side, for the annotation of a client-side apply cannot hold them
  tidelock install --crds-only | kubectl apply --server-side -f -`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !crdsOnly {
				return &usageError{cmd.CommandPath(), errors.New("this version prints the CustomResourceDefinitions only: give --crds-only")}
			}
			_, err := cmd.OutOrStdout().Write(crdDocuments())
			return err
		},
	}
	cmd.Flags().BoolVar(&crdsOnly, "crds-only", false, "print the CustomResourceDefinitions only")
	return cmd
}

// crdDocuments joins the definitions into one YAML stream.
func crdDocuments() []byte {
	var out []byte
	for _, doc := range api.CRDs() {
		out = append(out, "---\n"...)
		out = append(out, doc...)
	}
	return out
}
