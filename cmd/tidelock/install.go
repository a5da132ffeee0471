package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/release"
)

type installOptions struct {
	install.Options
	scope            string
	ha               bool
	crdsOnly, noCRDs bool
	uninstall        bool
}

func newInstallCommand() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Print the manifests that install Tidelock",
		Long: `Print the manifests that install Tidelock, for kubectl: the CustomResourceDefinitions
of Application, AppProject and ApplicationSet, a namespace, the rights that the agent
needs, its Deployment, its Service, a PodDisruptionBudget and a NetworkPolicy.

The definitions accept all that Argo CD's accept. A cluster that has Argo CD's needs
no others: --no-crds.

The agent may read, apply and delete objects of all kinds in all namespaces, for Git
may state any. With --scope namespaces=a,b it may do so in these namespaces only, and
nothing in the rest of the cluster but in its own namespace: it then has Roles and no
ClusterRole, and refuses objects that are elsewhere, or in no namespace. With
--impersonate it may read, and writes in the name of the ServiceAccounts that projects
name (spec.destinationServiceAccounts), with their rights.

With --ha, or --replicas, as many agents divide the Applications among them, on
different nodes where there are some. The share of one that is lost is taken over by
the others within half a minute.

Applying the output of another version, or of other options, changes what is there; what
an installation had beyond, such as the ClusterRole of one that is confined now, stays,
and tidelock check names it. With --uninstall it is printed what to delete, for the same
options: the agent and its rights. Applications, what they have deployed, the namespace
and the definitions stay. To delete the definitions deletes all Applications of the
cluster.

The same objects are in examples/install as a Helm chart and as a kustomization.
tidelock check tells what is missing in a cluster that has them.`,
		Example: `  # server-side, for the annotation of a client-side apply cannot hold the definitions
  tidelock install | kubectl apply --server-side -f -

  # beside Argo CD, which has the definitions
  tidelock install --no-crds --namespace tidelock | kubectl apply --server-side -f -

  # three replicas, which deploy to two namespaces and nowhere else
  tidelock install --ha --scope namespaces=team-a,team-b | kubectl apply --server-side -f -

  # watched by the Prometheus operator, without rights of its own to write elsewhere
  tidelock install --monitoring --impersonate

  # to look on at Argo CD, with the right to read only
  tidelock install --shadow --no-crds --namespace argocd | kubectl apply --server-side -f -

  # take the agent away; what it has deployed stays
  tidelock install --uninstall | kubectl delete -f -

  # the definitions only
  tidelock install --crds-only | kubectl apply --server-side -f -`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.settle(cmd.Flags()); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if o.uninstall {
				return o.remove(cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return o.print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Namespace, "namespace", "n", install.DefaultNamespace, "where the agent, its Applications and its keys are")
	f.StringVar(&o.Image, "image", install.Image+":"+imageTag(), "what runs")
	f.IntVar(&o.Replicas, "replicas", 1, "how many agents divide the Applications among them")
	f.BoolVar(&o.ha, "ha", false, fmt.Sprintf("highly available: %d replicas, unless --replicas says otherwise", install.HighlyAvailable))
	f.StringVar(&o.scope, "scope", "cluster", "where the agent has rights: `cluster`, or namespaces=a,b")
	f.StringVar(&o.SealingNamespace, "sealed-secrets-namespace", "", "where the keys of the sealed-secrets controller are; kube-system if empty, or the agent's own namespace with --scope namespaces")
	f.StringSliceVar(&o.ApplicationNamespaces, install.ApplicationsFlag, nil, "other namespaces with Applications, as `PATTERN`s: globs, or regular expressions between slashes; names, with --impersonate")
	f.StringSliceVar(&o.SetNamespaces, install.SetsFlag, nil, "other namespaces with ApplicationSets, as `PATTERN`s, which --application-namespaces has to match, too")
	f.BoolVar(&o.Impersonate, "impersonate", false, "write in the name of the ServiceAccounts of spec.destinationServiceAccounts only")
	f.BoolVar(&o.Monitoring, "monitoring", false, "add a ServiceMonitor and a PrometheusRule, of the Prometheus operator's kinds")
	f.BoolVar(&o.Shadow, "shadow", false, "look on at Argo CD, in its namespace: the agent may read, and do nothing else. The Namespace is left out, for it is there")
	f.BoolVar(&o.ShadowDryRuns, "shadow-dry-runs", false, "with --shadow, ask the API server by dry runs what a sync would change: that takes the right to patch, which the agent uses for nothing else")
	f.BoolVar(&o.KeepNamespace, "no-namespace", false, "leave out the Namespace: it is there, and has labels of its own")
	f.BoolVar(&o.crdsOnly, "crds-only", false, "print the CustomResourceDefinitions only")
	f.BoolVar(&o.noCRDs, "no-crds", false, "leave out the CustomResourceDefinitions")
	f.BoolVar(&o.uninstall, "uninstall", false, "print what to delete, for kubectl delete: the agent and its rights, and nothing else")
	cmd.MarkFlagsMutuallyExclusive("crds-only", "no-crds")
	cmd.MarkFlagsMutuallyExclusive("crds-only", "uninstall")
	return cmd
}

// settle is what follows from the flags together, and what is wrong with them.
func (o *installOptions) settle(flags *pflag.FlagSet) error {
	replicas := flags.Changed("replicas")
	if o.crdsOnly {
		if err := onlyFlag(flags, "crds-only"); err != nil {
			return err
		}
	}
	if o.ha && replicas && o.Replicas < 2 {
		return fmt.Errorf("--ha --replicas %d: of fewer than 2, none may be lost: leave out one of the two", o.Replicas)
	}
	var err error
	if o.Namespaces, err = install.ParseScope(o.scope); err != nil {
		return fmt.Errorf("--scope %w", err)
	}
	if o.ha && !replicas {
		o.Replicas = install.HighlyAvailable
	}
	if o.Replicas < 1 {
		return fmt.Errorf("--replicas %d: give at least 1", o.Replicas)
	}
	return o.Check()
}

// onlyFlag says that another flag has no effect beside one.
func onlyFlag(flags *pflag.FlagSet, name string) error {
	var err error
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != name && err == nil {
			err = fmt.Errorf("--%s: --%s has no effect on the definitions: leave it out", name, f.Name)
		}
	})
	return err
}

// remove prints what to delete, and tells what stays.
func (o *installOptions) remove(out, talk io.Writer) error {
	objects, err := install.Removal(o.Options)
	if err != nil {
		return err
	}
	fmt.Fprintf(talk, `tidelock: this deletes the agent and its rights. Applications and what they have deployed stay, and so
do the namespace %s with keys and credentials, and the definitions. To have objects go with an
Application, delete that while the agent runs. An Application with finalizers that is deleted
afterwards waits until they are removed from it. Deleting a definition deletes all of its kind.
`, o.Namespace)
	return install.Print(out, objects)
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
