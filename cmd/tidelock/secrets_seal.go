package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"sigs.k8s.io/yaml"
)

type secretsSealOptions struct {
	to        sealingFor
	scope     string
	namespace string
	name      string
	raw       bool
	mergeInto string
	output    string
	empty     bool
}

func newSecretsSealCommand() *cobra.Command {
	var o secretsSealOptions
	cmd := &cobra.Command{
		Use:   "seal [FILE]",
		Short: "Make SealedSecrets of Secrets",
		Long: `Make SealedSecrets of the Secrets in FILE, or stdin, as kubeseal does.

They are sealed for the certificate of --cert, else for the newest of the keys in
--sealed-secrets-key, else for that of the cluster: the controller is asked, and
where there is none the certificate of the newest key is read, which the agent
opens with. A certificate that has run out is refused.

The scope binds a SealedSecret to its namespace and name (strict), to its
namespace, or to nothing. Without --scope the Secret's own annotations count.

--raw seals one value, all of FILE or stdin, and prints an item of encryptedData.
--merge-into adds the items of one Secret, its labels and annotations to a
SealedSecret in a file, in its scope, under its name. All else in the file stays
as it is, where all items were there before; what is new has the file written
anew, with its comments.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  kubectl create secret generic db -n shop --from-file=password --dry-run=client -o yaml |
    tidelock secrets seal > apps/shop/db.yaml

  # one value
  pwgen 20 1 | tr -d '\n' | tidelock secrets seal --raw --name db -n shop

  # in CI, with the certificate in the repository
  tidelock secrets seal --cert sealing.pem --merge-into apps/shop/db.yaml secret.yaml`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runSecretsSeal(cmd.Context(), o, strings.Join(args, ""), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	o.to.certificateFlags(f)
	o.to.controllerFlags(f)
	addSealingKeyFlag(cmd, &o.to.keys)
	f.StringVar(&o.scope, "scope", "", "strict, namespace-wide or cluster-wide")
	f.StringVarP(&o.namespace, "namespace", "n", "", "namespace of Secrets that state none")
	f.StringVar(&o.name, "name", "", "name, instead of the Secret's; needed for --raw, unless the scope is another than strict")
	f.BoolVar(&o.raw, "raw", false, "seal one value, and print the item")
	f.StringVar(&o.mergeInto, "merge-into", "", "`FILE` with the SealedSecret to add to")
	f.StringVarP(&o.output, "output", "o", "yaml", "yaml or json")
	f.BoolVar(&o.empty, "allow-empty-data", false, "seal Secrets that hold nothing")
	return cmd
}

func (o *secretsSealOptions) check() error {
	if _, err := sealed.ParseScope(o.scope); err != nil {
		return fmt.Errorf("--scope: %w", err)
	}
	switch {
	case o.output != "yaml" && o.output != "json":
		return fmt.Errorf("-o %s: give yaml or json", o.output)
	case o.raw && o.mergeInto != "":
		return errors.New("--raw prints one item: put it into the file, or leave out one of --raw and --merge-into")
	case o.mergeInto != "" && (o.scope != "" || o.name != "" || o.namespace != ""):
		return errors.New("--merge-into: scope, namespace and name are those of the SealedSecret in the file")
	}
	return nil
}

// wanted is the scope that a flag names; nil if none does.
func (o *secretsSealOptions) wanted() *sealed.Scope {
	if o.scope == "" {
		return nil
	}
	scope, _ := sealed.ParseScope(o.scope) // see check
	return &scope
}

func runSecretsSeal(ctx context.Context, o secretsSealOptions, file string, in io.Reader, out io.Writer) error {
	text, err := readSealed(file, in)
	if err != nil {
		return err
	}
	var keys sealed.Keys
	if o.to.certificate == "" {
		if keys, err = readSealingKeys(o.to.keys); err != nil {
			return err
		}
	}
	if o.raw {
		return o.sealRaw(ctx, keys, text, out)
	}
	objects, err := o.secretsIn(text, orElse(file, "stdin"))
	if err != nil {
		return err
	}
	to, err := o.to.recipient(ctx, keys)
	if err != nil {
		return err
	}
	if o.mergeInto != "" {
		return o.merge(to, objects)
	}
	for _, secret := range objects {
		raw, err := to.SealSecret(secret, o.wanted())
		if err != nil {
			return fmt.Errorf("%s: %w", secret.Origin, err)
		}
		if err := o.print(out, raw); err != nil {
			return err
		}
	}
	return nil
}

// maxSealed is more than a Secret can hold.
const maxSealed = 4 << 20

func readSealed(file string, in io.Reader) ([]byte, error) {
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSealed+1))
	if err == nil && len(text) > maxSealed {
		err = fmt.Errorf("%s: more than %d bytes, which no Secret can hold", orElse(file, "stdin"), maxSealed)
	}
	return text, err
}

// sealRaw seals one value.
func (o *secretsSealOptions) sealRaw(ctx context.Context, keys sealed.Keys, text []byte, out io.Writer) error {
	scope, err := sealed.ParseScope(o.scope)
	if err != nil {
		return err
	}
	if err := scope.Needs(o.namespace, o.name); err != nil {
		return fmt.Errorf("--raw: %w (hint: give --name and -n, or another --scope)", err)
	}
	to, err := o.to.recipient(ctx, keys)
	if err != nil {
		return err
	}
	item, err := to.SealItem(scope, o.namespace, o.name, secrets.New(text))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, item)
	return err
}

// secretsIn reads the Secrets of a manifest, which must be nothing else.
func (o *secretsSealOptions) secretsIn(text []byte, from string) (manifest.Set, error) {
	objects, err := manifest.Parse(text, manifest.Origin{File: from, Line: 1})
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s: it holds no Secret", from)
	}
	for i, object := range objects {
		switch {
		case object.Key.Group != "" || object.Key.Kind != "Secret":
			return nil, fmt.Errorf("%s: %s is no Secret", object.Origin, object.Key)
		case len(object.Data()) == 0 && !o.empty:
			return nil, fmt.Errorf("%s: %s holds nothing (hint: --allow-empty-data, if that is meant)", object.Origin, object.Key)
		}
		if objects[i], err = object.Edit(o.place); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// place gives a Secret the name that is asked for, and a namespace, if it has none.
func (o *secretsSealOptions) place(body map[string]any) {
	meta := body["metadata"].(map[string]any)
	if o.name != "" {
		meta["name"] = o.name
	}
	if meta["namespace"] == nil && o.namespace != "" {
		meta["namespace"] = o.namespace
	}
}

func (o *secretsSealOptions) print(out io.Writer, raw []byte) error {
	if o.output == "json" {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, raw, "", "  "); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, pretty.String())
		return err
	}
	text, err := yaml.JSONToYAML(raw)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "---\n%s", text)
	return err
}

// merge adds one Secret to the SealedSecret in a file.
func (o *secretsSealOptions) merge(to sealed.Recipient, objects manifest.Set) error {
	text, err := os.ReadFile(o.mergeInto)
	if err != nil {
		return fmt.Errorf("--merge-into: %w", err)
	}
	file, err := sealed.ReadFile(text, o.mergeInto)
	if err != nil {
		return fmt.Errorf("--merge-into: %s: %w", o.mergeInto, err)
	}
	if len(file.Documents) != 1 || len(objects) != 1 {
		return fmt.Errorf("--merge-into %s: it holds %d SealedSecrets, and there are %d Secrets: one into one can be merged", o.mergeInto, len(file.Documents), len(objects))
	}
	d, secret := file.Documents[0], objects[0]
	scope := sealed.ScopeOf(d.Object.Annotations)
	for _, key := range slices.Sorted(maps.Keys(secret.Data())) {
		item, err := to.SealItem(scope, d.Object.Key.Namespace, d.Object.Key.Name, secret.Data()[key])
		if err != nil {
			return fmt.Errorf("--merge-into %s: %w", o.mergeInto, err)
		}
		d.Set(key, item)
	}
	d.Label(secret.Labels, secret.Annotations)
	merged, err := file.Bytes()
	if err != nil {
		return fmt.Errorf("--merge-into: %w", err)
	}
	return replaceFile(o.mergeInto, text, merged)
}
