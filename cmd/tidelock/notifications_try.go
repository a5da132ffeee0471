package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/notify"
	"sigs.k8s.io/yaml"
)

type notificationTestOptions struct {
	notificationsOptions
	send string
}

func newNotificationTestCommand() *cobra.Command {
	var o notificationTestOptions
	cmd := &cobra.Command{
		Use:   "test TRIGGER APP",
		Short: "Show what would be sent, and why it is or is not",
		Long: `Ask the conditions of a trigger of an Application as it is now, say which hold and who
was told, and print what would be sent to each recipient. Values of Secret
argocd-notifications-secret are not shown. A condition on what happens in a moment,
such as that a sync window opens, does not hold here.

With --send it is sent, to that recipient alone and whoever was told before: what the
conditions that hold send, or the first one's templates if none does. Nothing is noted
in the Application, and nothing sent again if it fails.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock notifications test on-synced shop
  tidelock notifications test on-drift team-a/shop

  # before the ConfigMap is merged
  tidelock notifications test on-deployed shop -f argocd-notifications-cm.yaml

  tidelock notifications test on-synced shop --send slack:alerts
  tidelock notifications test on-synced shop --send email:me@example.com`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: o.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return o.run(cmd.Context(), args[0], args[1], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.send, "send", "", "`SERVICE:RECIPIENT` to really send to, or SERVICE if that needs no recipient")
	addOutputFlag(cmd, &o.output, "text", "json", "yaml")
	return cmd
}

func (o *notificationTestOptions) complete(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return o.completeApplications(true)(cmd, args, word)
	}
	return o.completeEntries("trigger.")(cmd, args, word)
}

// A notificationTrial is what a trigger has come to, for programs.
type notificationTrial struct {
	Trigger     string         `json:"trigger"`
	Application string         `json:"application"`
	Conditions  []trialOutcome `json:"conditions"`
}

type trialOutcome struct {
	When    string `json:"when"`
	Holds   bool   `json:"holds"`
	OncePer string `json:"oncePer,omitempty"`
	// Error is why it cannot be told whether it holds.
	Error string         `json:"error,omitempty"`
	Send  []string       `json:"send,omitempty"`
	To    []trialMessage `json:"to,omitempty"`
}

type trialMessage struct {
	Service   string `json:"service"`
	Recipient string `json:"recipient,omitempty"`
	// Told is when that was told already.
	Told time.Time `json:"told,omitzero"`
	// Notification is what would be sent, as templates are written; Error why nothing
	// can be.
	Notification string `json:"notification,omitempty"`
	Error        string `json:"error,omitempty"`
}

func (o *notificationTestOptions) run(ctx context.Context, name, arg string, out, talk io.Writer) error {
	r, err := o.connect()
	if err != nil {
		return err
	}
	app, err := r.application(ctx, arg)
	if err != nil {
		return err
	}
	o.namespace = r.home(app)
	config, _, err := o.config(ctx, talk)
	if err != nil {
		return err
	}
	trigger := config.Trigger(name)
	if trigger == nil {
		return fmt.Errorf("there is no trigger %s%s", name, hintNearest(name, config.Triggers()))
	}
	vars, closed, err := o.vars(ctx, config, app)
	if err != nil {
		return err
	}
	defer closed()
	if o.send != "" {
		return o.really(ctx, config, trigger, vars, out)
	}
	to := o.recipients(ctx, r, config, app, name, talk)
	found := notificationTrial{Trigger: name, Application: app.Namespace + "/" + app.Name, Conditions: try(ctx, config, name, trigger, vars, to, app)}
	if o.output != "" {
		return encode(out, o.output, found)
	}
	printTrial(newScreen(out), found)
	return nil
}

func hintNearest[T any](name string, among map[string]T) string {
	var names []string
	for known := range inOrder(among) {
		names = append(names, known)
	}
	if near := api.Nearest(name, names); near != "" {
		return fmt.Sprintf(" (hint: did you mean %s?)", near)
	}
	return " (hint: tidelock notifications triggers lists them)"
}

// vars are what conditions and templates see. Commits are fetched with the person's
// credentials if a template asks for them.
func (o *notificationTestOptions) vars(ctx context.Context, config *notify.Config, app *api.Application) (vars map[string]any, closed func(), err error) {
	ring, err := o.ring()
	if err != nil {
		return nil, nil, err
	}
	ring.Read(ctx) // what cannot be read is missed by whoever needs it
	mirrors, err := git.NewStore(localGitDir(), git.Options{})
	if err != nil {
		return nil, nil, err
	}
	described := describeCommits(mirrors, ring.Repo)
	vars, err = config.Vars(notify.Moment{App: app, Commit: func(_ context.Context, app *api.Application, url, sha string) (notify.Commit, error) {
		if _, err := mirrors.Tree(ctx, ring.Repo(url, app.Spec.ProjectName()), sha); err != nil {
			return notify.Commit{}, err
		}
		return described(ctx, app, url, sha)
	}})
	return vars, func() { _ = mirrors.Close() }, err // of a cache
}

// recipients are those who have subscribed to a trigger.
func (o *notificationTestOptions) recipients(ctx context.Context, r *remote, config *notify.Config, app *api.Application, trigger string, talk io.Writer) []services.Destination {
	project, err := r.projectOf(ctx, app)
	if err != nil {
		fmt.Fprintf(talk, "warning: who has subscribed by the project is not known: %v\n", err)
		project = &api.AppProject{}
	}
	by, mistakes := config.Destinations(app.Labels, app.Annotations, project.Annotations)
	for _, text := range mistakes {
		fmt.Fprintf(talk, "warning: %s\n", text)
	}
	return by[trigger]
}

// try asks the conditions, and renders for each recipient.
func try(ctx context.Context, config *notify.Config, name string, trigger *notify.Trigger, vars map[string]any, to []services.Destination, app *api.Application) (all []trialOutcome) {
	told := notify.ParseState(app.Annotations[api.AnnotationNotified])
	results, why := trigger.Run(vars)
	for i, condition := range trigger.Conditions() {
		outcome := trialOutcome{When: condition.When, Holds: results[i].Triggered, OncePer: results[i].OncePer, Send: condition.Send}
		if why[i] != nil {
			outcome.Error = config.Clean(why[i].Error())
		}
		for _, recipient := range to {
			message := trialMessage{Service: recipient.Service, Recipient: recipient.Recipient, Told: told.When(name, results[i], recipient)}
			if outcome.Holds {
				message.Notification, message.Error = rendered(ctx, config, vars, recipient, condition.Send)
			}
			outcome.To = append(outcome.To, message)
		}
		if outcome.Holds && len(to) == 0 {
			message := trialMessage{}
			message.Notification, message.Error = rendered(ctx, config, vars, services.Destination{}, condition.Send)
			outcome.To = append(outcome.To, message)
		}
		all = append(all, outcome)
	}
	return all
}

func rendered(ctx context.Context, config *notify.Config, vars map[string]any, to services.Destination, templates []string) (text, failure string) {
	if to.Service != "" && !slices.Contains(config.Services(), to.Service) {
		return "", "there is no service " + to.Service
	}
	n, err := config.Render(ctx, vars, to, templates)
	if err != nil {
		return "", err.Error()
	}
	raw, err := yaml.Marshal(n)
	if err != nil {
		return "", err.Error()
	}
	return config.Hide(string(raw)), ""
}

func printTrial(s *screen, found notificationTrial) {
	for i, c := range found.Conditions {
		state := "does not hold"
		if c.Holds {
			state = "holds"
		}
		s.line("[%d] %s: %s", i, state, oneLine(c.When))
		if c.Error != "" {
			s.line("    it cannot be told: %s", oneLine(c.Error))
		}
		if c.OncePer != "" {
			s.line("    told once per %s", oneLine(c.OncePer))
		}
		for _, m := range c.To {
			printMessage(s, c, m)
		}
		if len(c.To) == 0 {
			s.line("    nobody has subscribed")
		}
	}
}

func printMessage(s *screen, c trialOutcome, m trialMessage) {
	to := strings.TrimSpace(m.Service + " " + m.Recipient)
	switch {
	case to == "":
		s.line("    nobody has subscribed: %s would be", strings.Join(c.Send, ", "))
	case !m.Told.IsZero():
		s.line("    %s was told at %s", to, m.Told.UTC().Format(time.RFC3339))
	case m.Error != "":
		s.line("    %s cannot be told: %s", to, oneLine(m.Error))
	case c.Holds:
		s.line("    %s would be told, by %s", to, strings.Join(c.Send, ", "))
	default:
		s.line("    %s has subscribed", to)
	}
	for line := range strings.Lines(m.Notification) {
		s.line("      %s", strings.TrimRight(line, "\n"))
	}
}

// really sends.
func (o *notificationTestOptions) really(ctx context.Context, config *notify.Config, trigger *notify.Trigger, vars map[string]any, out io.Writer) error {
	service, recipient, _ := strings.Cut(o.send, ":")
	if !slices.Contains(config.Services(), service) {
		return fmt.Errorf("--send %s: there is no service %s: write entry service.%s into ConfigMap argocd-notifications-cm", o.send, service, service)
	}
	conditions := trigger.Conditions()
	if len(conditions) == 0 {
		return errors.New("the trigger has no conditions")
	}
	sent := 0
	results, _ := trigger.Run(vars)
	for i, r := range results {
		none := !slices.ContainsFunc(results, func(r notify.Result) bool { return r.Triggered })
		if !r.Triggered && (!none || i > 0) {
			continue
		}
		if err := config.Send(ctx, vars, services.Destination{Service: service, Recipient: recipient}, conditions[i].Send); err != nil {
			return err
		}
		sent++
	}
	fmt.Fprintf(out, "sent %d to %s\n", sent, o.send)
	return nil
}
