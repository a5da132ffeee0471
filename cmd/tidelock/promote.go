package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/render/overlay"
	"sigs.k8s.io/kustomize/api/types"
)

type promoteOptions struct {
	changeOptions
	images []string
	values []string
}

func newPromoteCommand() *cobra.Command {
	var o promoteOptions
	cmd := &cobra.Command{
		Use:   "promote FROM TO [PATH...]",
		Short: "Carry image tags from one environment's overlays to another's",
		Long: `Carry image tags and digests from overlays of one environment to those of another,
and print what changes.

FROM and TO are two directories with a kustomization, or two names of
environments. With names it is every directory of that name that has the other one
beside it, apps/api/overlays/staging and apps/api/overlays/production for one,
below PATHs or in the whole repository that you are in.

An image that TO has under a newName of its own keeps that: only tag and digest are
carried. One that TO lacks is added as FROM has it; those that FROM lacks, or has
without tag and digest, stay.

--value carries other values: of the kustomization, or of a file in the directory
of either overlay.

  --value 'replicas[name=api].count'
  --value values.yaml:image.tag

Overlays that do not have it in FROM are passed over; what FROM has TO must have.
Values in files of SOPS are refused.

Files are edited, as by 'tidelock set image': comments, order and quotes stay.

` + commitHelp + `

Exit status: 0 success, or nothing was to be changed, 1 failure, 2 wrong use.`,
		Example: `  # what would go to production
  tidelock promote staging production --dry-run

  # one service, and how many of it
  tidelock promote staging production apps/api --value 'replicas[name=api].count'

  # two overlays by their paths
  tidelock promote apps/api/overlays/staging apps/api/overlays/canary

  # for a pull request
  tidelock promote staging production --branch promote/production --push`,
		Args: usage(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := valuePaths(o.values)
			if err == nil {
				err = o.check()
			}
			if err == nil && filepath.Clean(args[0]) == filepath.Clean(args[1]) {
				err = fmt.Errorf("%s is promoted to itself", args[0])
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			pairs, err := overlayPairs(args[0], args[1], args[2:], values)
			if err != nil {
				return err
			}
			return runPromote(cmd.Context(), o, args[0], args[1], pairs, values, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.values, "value", nil, "`[FILE:]PATH` of a value to carry, too; may be given several times")
	f.StringArrayVar(&o.images, "image", nil, "carry image `NAME` only; may be given several times")
	o.flags(cmd)
	return cmd
}

// A valuePath is a value of a file in each overlay: of its kustomization if file
// is "".
type valuePath struct {
	file string
	path overlay.Path
}

func valuePaths(texts []string) (list []valuePath, err error) {
	for _, text := range texts {
		var v valuePath
		rest := text
		if file, path, ok := strings.Cut(text, ":"); ok {
			v.file, rest = file, path
			if !filepath.IsLocal(file) {
				return nil, fmt.Errorf("--value %s: the file is not in the overlay's directory", text)
			}
		}
		if v.path, err = overlay.ParsePath(rest); err != nil {
			return nil, fmt.Errorf("--value %s: %w", text, err)
		}
		list = append(list, v)
	}
	return list, nil
}

// in is the file of an overlay: "" if it is not there.
func (v valuePath) in(dir string) string {
	if v.file == "" {
		file, _ := kustomizationOf(dir) // "" if there is none
		return file
	}
	file := filepath.Join(dir, v.file)
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return file
}

// A promotion is what becomes of the files of overlays.
type promotion struct {
	texts   map[string][]byte // by file, as they are to be
	was     map[string][]byte
	said    []string // one line for each overlay
	carried []bool   // by value
}

func runPromote(ctx context.Context, o promoteOptions, from, to string, pairs []overlayPair, values []valuePath, out, talk io.Writer) error {
	p := promotion{texts: map[string][]byte{}, was: map[string][]byte{}, carried: make([]bool, len(values))}
	seen := map[string]bool{}
	for _, pair := range pairs {
		if err := p.add(pair, values, o.images, seen); err != nil {
			return err
		}
	}
	for i, carried := range p.carried {
		if !carried {
			return fmt.Errorf("--value %s: no overlay of %s has it", o.values[i], from)
		}
	}
	for _, name := range o.images {
		if !seen[name] {
			return fmt.Errorf("--image %s: no overlay of %s has it, with a tag or a digest", name, from)
		}
	}
	message := "Promote " + filepath.ToSlash(from) + " to " + filepath.ToSlash(to)
	if len(p.said) > 0 {
		message += "\n\n" + strings.Join(p.said, "\n")
	}
	return o.run(ctx, p.changes(), message, out, talk)
}

func (p *promotion) add(pair overlayPair, values []valuePath, only []string, seen map[string]bool) error {
	kustomization := valuePath{}
	var said []string
	if from, to := kustomization.in(pair.from), kustomization.in(pair.to); from != "" && to != "" {
		images, err := p.addImages(from, to, only, seen)
		if err != nil {
			return err
		}
		if len(images) > 0 {
			said = append(said, imageNames(images))
		}
	}
	for i, v := range values {
		from, to := v.in(pair.from), v.in(pair.to)
		if from == "" {
			continue
		}
		changed, err := p.addValue(v, from, to, pair)
		if err != nil {
			return err
		}
		p.carried[i] = p.carried[i] || changed != absent
		if changed == carried {
			said = append(said, v.path.String())
		}
	}
	if len(said) > 0 {
		p.said = append(p.said, inRepository(pair.to)+": "+strings.Join(said, ", "))
	}
	return nil
}

func (p *promotion) addImages(from, to string, only []string, seen map[string]bool) ([]types.Image, error) {
	source, err := imagesOf(from)
	if err != nil {
		return nil, err
	}
	source = slices.DeleteFunc(source, func(i types.Image) bool { return len(only) > 0 && !slices.Contains(only, i.Name) })
	for _, image := range source {
		seen[image.Name] = seen[image.Name] || image.NewTag != "" || image.Digest != ""
	}
	target, err := imagesOf(to)
	if err != nil {
		return nil, err
	}
	images := overlay.Promoted(source, target)
	return images, p.edit(to, func(text []byte) ([]byte, error) { return overlay.SetImages(text, images) })
}

func imagesOf(file string) ([]types.Image, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	images, err := overlay.Images(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return images, nil
}

// What became of a value.
const (
	absent = iota
	same
	carried
)

func (p *promotion) addValue(v valuePath, from, to string, pair overlayPair) (int, error) {
	source, err := os.ReadFile(from)
	if err != nil {
		return absent, err
	}
	has, err := v.path.Has(source)
	switch {
	case err != nil:
		return absent, fmt.Errorf("%s: %w", from, err)
	case !has:
		return absent, nil
	case to == "":
		return absent, fmt.Errorf("%s has no %s, which %s has", pair.to, v.file, pair.from)
	}
	before := string(p.texts[to])
	if err := p.edit(to, func(text []byte) ([]byte, error) {
		before = string(text)
		return v.path.Copy(source, text)
	}); err != nil {
		return absent, err
	}
	if before == string(p.texts[to]) {
		return same, nil
	}
	return carried, nil
}

// edit edits what a file is to be so far.
func (p *promotion) edit(file string, edit func([]byte) ([]byte, error)) (err error) {
	if _, ok := p.was[file]; !ok {
		if p.was[file], err = os.ReadFile(file); err != nil {
			return err
		}
		p.texts[file] = p.was[file]
	}
	text, err := edit(p.texts[file])
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	p.texts[file] = text
	return nil
}

// changes are by file.
func (p *promotion) changes() (list []fileChange) {
	for file, text := range p.texts {
		if string(text) != string(p.was[file]) {
			list = append(list, fileChange{file, p.was[file], text})
		}
	}
	slices.SortFunc(list, func(a, b fileChange) int { return strings.Compare(a.file, b.file) })
	return list
}

var errNoPairs = errors.New("no directory of the one name has one of the other beside it, each with a kustomization")
