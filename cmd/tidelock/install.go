package main

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/release"
)

type installOptions struct {
	install.Options
	crdsOnly, noCRDs bool
}

func newInstallCommand() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Print the manifests that install Tidelock",
		Long: `Print the manifests that install Tidelock, for kubectl: the CustomResourceDefinitions
of Application, AppProject and ApplicationSet, a namespace, the rights that the agent
needs, its Deployment, its Service and a NetworkPolicy.

The definitions accept all that Argo CD's accept. A cluster that has Argo CD's needs
no others: --no-crds.

The agent may read, apply and delete objects of all kinds in all namespaces, for Git
may state any. With --impersonate it may read, and writes in the name of the
ServiceAccounts that projects name (spec.destinationServiceAccounts), with their
rights.

The same objects are in examples/install as a Helm chart and as a kustomization.`,
		Example: `  # server-side, for the annotation of a client-side apply cannot hold the definitions
  tidelock install | kubectl apply --server-side -f -

  # beside Argo CD, which has the definitions
  tidelock install --no-crds --namespace tidelock | kubectl apply --server-side -f -

  # watched by the Prometheus operator, without rights of its own to write elsewhere
  tidelock install --monitoring --impersonate

  # to look on at Argo CD, with the right to read only
  tidelock install --shadow --no-crds --namespace argocd | kubectl apply --server-side -f -

  # the definitions only
  tidelock install --crds-only | kubectl apply --server-side -f -`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return o.print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Namespace, "namespace", "n", install.DefaultNamespace, "where the agent, its Applications and its keys are")
	f.StringVar(&o.Image, "image", install.Image+":"+imageTag(), "what runs")
	f.StringVar(&o.SealingNamespace, "sealed-secrets-namespace", "kube-system", "where the keys of the sealed-secrets controller are")
	f.BoolVar(&o.Impersonate, "impersonate", false, "write in the name of the ServiceAccounts of spec.destinationServiceAccounts only")
	f.BoolVar(&o.Monitoring, "monitoring", false, "add a ServiceMonitor and a PrometheusRule, of the Prometheus operator's kinds")
	f.BoolVar(&o.Shadow, "shadow", false, "look on at Argo CD, in its namespace: the agent may read, and do nothing else. The Namespace is left out, for it is there")
	f.BoolVar(&o.ShadowDryRuns, "shadow-dry-runs", false, "with --shadow, ask the API server by dry runs what a sync would change: that takes the right to patch, which the agent uses for nothing else")
	f.BoolVar(&o.KeepNamespace, "no-namespace", false, "leave out the Namespace: it is there, and has labels of its own")
	f.BoolVar(&o.crdsOnly, "crds-only", false, "print the CustomResourceDefinitions only")
	f.BoolVar(&o.noCRDs, "no-crds", false, "leave out the CustomResourceDefinitions")
	cmd.MarkFlagsMutuallyExclusive("crds-only", "no-crds")
	return cmd
}

// imageTag is that of the image of this version.
func imageTag() string {
	if v := release.Text(); len(v) > 1 && v[0] == 'v' {
		return v
	}
	return "latest"
}

func (o *installOptions) print(out io.Writer) error {
	var all []install.Object
	if !o.noCRDs {
		definitions, err := install.Definitions()
		if err != nil {
			return err
		}
		all = definitions
	}
	if !o.crdsOnly {
		objects, err := install.Objects(o.Options)
		if err != nil {
			return err
		}
		all = append(all, objects...)
	}
	return install.Print(out, all)
}
