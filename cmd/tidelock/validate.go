package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

type validateOptions struct {
	renderOptions
	crds     string
	parallel int
	// Of whose keys it is said what they do not open.
	recipients string
	open       bool
	sealing    []string
	policies   []string
	rules      bool
	fetch      bool
	colour     string
	realOptions
	clusterOptions
}

func newValidateCommand() *cobra.Command {
	var o validateOptions
	cmd := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "Say what is wrong with a repository before any cluster sees it",
		Long: `Say what is wrong with a repository before any cluster sees it.

Below PATHs, or in the whole repository that you are in, these are looked at:

  1. the Applications that its files state, those that its ApplicationSets make,
     and those that these render, whose sources are in the repository: each is
     rendered as the agent would. Clusters of ApplicationSets are those whose
     Secrets the repository has, and those of --cluster and --clusters;
  2. overlays of Kustomize and charts that none of them uses;
  3. all other files that are manifests.

Every object is compared with the schemas of Kubernetes (--kube-version, 1.33 to
1.37), or with its CustomResourceDefinition, if the repository or --crds has it,
rules included; then with what an API server's own code would say of it: names,
selectors, ports, probes, volumes, amounts. --rules lists the rules.

Applications are looked at beside one another: objects that two of them state,
what AppProjects refuse, sync windows and waves that never let a sync end,
dependencies that go round. Directories that state the same Applications are taken
to be of an agent each. What may be in the cluster is not missed.

References between objects are followed: from pods to Secrets, ConfigMaps and
their keys, from Ingresses to Services, from selectors to what they select, and
so on, through all Applications of one destination. A key, a port or a listener
that an object has not, and a name that is almost one that is rendered, are
errors. What nothing here makes is a warning, and told only in a whole
repository (no PATH), and where everything is seen that goes to the namespace:
an Application that is not rendered, an operator's object, or a workload that may
create such objects could make it. Nor is it told of charts that no Application
uses. What is made elsewhere is listed, and a listing that is not needed is told:

  validate:
    external:
      - Secret shop/registry-*
      - ServiceAccount */builder
      - PriorityClass business

Objects are judged by ValidatingAdmissionPolicies, as an API server would when it
creates them: by those of --policies, of the directories that ` + validate.ConfigFile + ` names,
and by those that are rendered for the same cluster.

All files are looked through for secrets in clear, as by tidelock secrets scan,
and what is encrypted is compared with the nearest .sops.yaml, as by tidelock
secrets check. Whether it can be opened is only asked with --recipients, --open
or --sealed-secrets-key. No value is told.

With --real an API server has the last word: a control plane of that version (1.34
to 1.37) is started on this machine, for some seconds, and told to dry-run every
object, as the agent would apply it, after the CustomResourceDefinitions, namespaces
and ValidatingAdmissionPolicies of the same destination are there. What it refuses
beyond what was found is a finding of the rule real. Of what the rules and the server
say otherwise both words are told, on stderr: that is a fault of these checks. No
value of a Secret is sent, and nothing stays. It needs the program ` + controlplane.Program + `, which
'make bin/` + controlplane.Program + `' in a clone of tidelock builds.

With --from-cluster it is compared with what a cluster serves, that of your
kubeconfig: its version, the kinds that it has, their OpenAPI schemas, and its
CustomResourceDefinitions with their rules. A kind that is neither there nor defined
here is a finding. Charts and namespaces see that cluster, too. It is only read: its
discovery and its schemas, which every user may, and, one by one, the definitions of
the kinds that are used (get on customresourcedefinitions.apiextensions.k8s.io;
without that right their rules are not looked at). Schemas are kept for the next run.

Nothing else is fetched, and no other cluster is asked. What would have to be fetched, or is
encrypted for keys that are not here, is not looked at, which is noted on stderr;
--fetch fetches.

A comment accepts a finding, and says why:

  replicas: two      # tidelock:ignore wrong-type our operator replaces it

On a line of its own it is for the next line, before a document's first for the
whole object. ` + validate.ConfigFile + ` at the repository's root does so by file:

  validate:
    policies: [platform/policies]
    ignore:
      - {rule: name, path: legacy/**, object: ConfigMap/A_B, reason: the old operator wants it so}

What silences nothing any more is a finding itself.

What was rendered is kept for the next run, where only you can read it: in
tidelock/renders of your user's cache directory, or renders of --cache-dir; the
oldest of it is dropped. It counts while all that a render read is as it was.
Nothing is kept of what read a file that SOPS encrypted, made a Secret with data, or
was made by a custom plugin. In clear beside it lie digests of the files and objects
that nothing is found in, and nothing of others. --no-cache does without.

Findings go to stdout, talk to stderr. In text paths are as from here, in the
other formats as from the repository's root.

Exit status: 0 nothing is found, 1 something is, 2 it cannot be told, or wrong use.`,
		Example: `  # the repository that you are in
  tidelock validate

  # one overlay, for an older cluster
  tidelock validate apps/api/overlays/staging --kube-version 1.34

  # with definitions of custom kinds that live elsewhere
  tidelock validate --crds ../platform/crds

  # what a real API server says
  tidelock validate --real

  # with the schemas and the custom kinds of a cluster
  tidelock validate --from-cluster --context production

  # in a pull request's checks
  tidelock validate -o github

  # what it looks for
  tidelock validate --rules`,
		RunE: answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
			if err := errors.Join(o.checkCluster(cmd), o.check(args)); err != nil {
				return false, &usageError{cmd.CommandPath(), err}
			}
			if o.rules {
				return false, printRules(cmd.OutOrStdout(), o.output)
			}
			return runValidate(ctx, o, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.kubeVersion, "kube-version", defaultKubeVersion, "version of Kubernetes to validate for")
	f.StringSliceVar(&o.apiVersions, "api-versions", nil, "API versions of the destination cluster, for renderers that ask")
	f.StringVar(&o.crds, "crds", "", "`DIR` with CustomResourceDefinitions, besides those of the repository")
	f.StringArrayVar(&o.repos, "repo", nil, "`[URL=]DIR` that stands in for a repository")
	f.StringArrayVar(&o.values, valuesFlag, nil, valuesHelp)
	f.IntVarP(&o.parallel, "parallel", "j", runtime.GOMAXPROCS(0), "how many are rendered at once")
	f.BoolVar(&o.fetch, "fetch", false, "fetch charts, remote bases and other repositories")
	f.BoolVar(&o.rules, "rules", false, "list the rules")
	f.StringArrayVar(&o.policies, "policies", nil, "`DIR` with ValidatingAdmissionPolicies and their bindings, for all objects; may be given several times")
	f.StringVar(&o.recipients, "recipients", "", "`FILE` with the public halves of a cluster's keys, which should open what is encrypted")
	f.BoolVar(&o.open, "open", false, "decrypt what is encrypted, with the keys of this machine, and find what they do not open")
	addSealingKeyFlag(cmd, &o.sealing)
	f.BoolVar(&o.real, "real", false, "ask an API server that is started for it, and stopped")
	f.StringVar(&o.program, controlplane.Program, "", "`PATH` of the program that --real starts; beside tidelock or on the PATH if empty")
	o.liveFlags(cmd)
	o.plugins.flags(f)
	o.cache.flags(f)
	o.sets.flags(f)
	addOutputFlag(cmd, &o.output, "text", "json", "sarif", "junit", "github")
	addColourFlag(cmd, &o.colour)
	return cmd
}

func (o *validateOptions) check(args []string) error {
	switch {
	case o.parallel < 1:
		return errors.New("-j: give 1 or more")
	case o.open && o.recipients != "":
		return errors.New("public halves open nothing: give --open or --recipients")
	case o.program != "" && !o.real:
		return fmt.Errorf("--%s is what --real starts", controlplane.Program)
	case o.rules && len(args) > 0:
		return errors.New("--rules lists the rules, and looks at nothing")
	case o.rules:
		return checkOutput(o.output, "json")
	}
	if _, err := openapi.Of(minor(o.kubeVersion)); err != nil {
		return fmt.Errorf("--kube-version: %w", err)
	}
	if strings.Count(o.kubeVersion, ".") == 1 {
		o.kubeVersion += ".0"
	}
	o.offline = !o.fetch
	return errors.Join(checkColour(o.colour), checkOutput(o.output, "json", "sarif", "junit", "github"))
}

// minor makes 1.37 of v1.37.2.
func minor(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func printRules(out io.Writer, output string) error {
	if output == "json" {
		return indented(out, validate.Rules())
	}
	rows := [][]string{{"RULE", "SEVERITY", "WHAT IT FINDS"}}
	for _, r := range validate.Rules() {
		rows = append(rows, []string{r.ID, string(r.Severity), r.Text})
	}
	newScreen(out).table(rows)
	return nil
}

// runValidate says whether there are findings.
func runValidate(ctx context.Context, o validateOptions, paths []string, out, talk io.Writer) (bool, error) {
	defer unhurried()()
	screen := newScreen(talk)
	talk, o.cache.warn = screen, screen
	v, err := newValidation(o, paths, screen)
	if err != nil {
		return false, err
	}
	report, err := v.runReal(ctx)
	screen.clear()
	if err != nil {
		return false, err
	}
	for _, note := range report.Notes {
		fmt.Fprintln(talk, "note: "+note)
	}
	for _, d := range report.Disagreements {
		d.File = v.shown(d.File)
		fmt.Fprintln(talk, "note: "+oneLine(d.String())+" (a fault of these checks: please report it)")
	}
	return len(report.Findings) > 0, report.print(out, talk, o, v.subtree)
}
