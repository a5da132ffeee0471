package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/render/overlay"
	"sigs.k8s.io/kustomize/api/types"
)

func newSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Change files of a repository, as the last step of a build does",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSetImageCommand())
	return cmd
}

func newSetImageCommand() *cobra.Command {
	var o changeOptions
	cmd := &cobra.Command{
		Use:   "image [PATH] IMAGE...",
		Short: "Set images in an overlay, and commit and push that",
		Long: `Set images in the kustomization of PATH, or of the directory that you are in.

An IMAGE is what 'kustomize edit set image' takes, and means the same:

  NAME:TAG             NAME@DIGEST             NAME:TAG@DIGEST
  NAME=NEWNAME         NAME=NEWNAME:TAG        NAME=NEWNAME@DIGEST
  NAME=NEWNAME:TAG@DIGEST

NAME is how the image is called in the manifests. What is not given goes: NAME:TAG
takes out a newName that is there, and a digest. * in the place of a new name, a
tag or a digest keeps it: NAME=*:TAG.

The file is edited, not written anew: comments, order, quotes and indentation stay,
and lines that are not concerned are the same to the byte. A list that is written
in a way that cannot be edited so, with anchors for one, is refused. What changes
is printed.

` + commitHelp + `

Only kustomizations are edited: not what an Application says of itself
(spec.source.kustomize.images, helm.parameters), and no values of charts.

Exit status: 0 success, or nothing was to be changed, 1 failure, 2 wrong use.`,
		Example: `  # in a repository
  tidelock set image apps/api/overlays/staging api=registry.example.com/api:sha-abc123

  # a new tag; the name that the overlay gives it stays
  tidelock set image apps/api/overlays/staging 'api=*:1.5.0'

  # what would change
  tidelock set image apps/api/overlays/staging api:1.5.0 --dry-run

  # the last step of a build: to a branch of its own, for a pull request
  tidelock set image apps/api/overlays/staging api:$TAG --branch deploy/api-$TAG --push`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, images, err := imageArgs(args)
			if err == nil {
				err = o.check()
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runSetImage(cmd.Context(), o, path, images, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(cmd)
	return cmd
}

// imageArgs takes the first argument for a path if it is a directory, or can be
// no image.
func imageArgs(args []string) (path string, images []types.Image, err error) {
	path = "."
	if info, err := os.Stat(args[0]); (err == nil && info.IsDir()) || !strings.ContainsAny(args[0], "=:@") {
		path, args = args[0], args[1:]
	}
	if len(args) == 0 {
		return "", nil, errors.New("name an image: NAME:TAG, or NAME=NEWNAME:TAG")
	}
	for _, arg := range args {
		image, err := overlay.ParseImage(arg)
		if err != nil {
			return "", nil, err
		}
		images = append(images, image)
	}
	return path, images, nil
}

func runSetImage(ctx context.Context, o changeOptions, path string, images []types.Image, out, talk io.Writer) error {
	file, err := kustomizationOf(path)
	if err != nil {
		return err
	}
	changes, err := edited(file, func(text []byte) ([]byte, error) { return overlay.SetImages(text, images) })
	if err != nil {
		return err
	}
	return o.run(ctx, changes, "Set "+imageNames(images)+" in "+inRepository(filepath.Dir(file)), out, talk)
}

// imageNames names images as a commit's message does.
func imageNames(images []types.Image) string {
	var names []string
	for _, image := range images {
		name := image.Name
		if image.NewTag != "" && image.NewTag != overlay.Keep {
			name += ":" + image.NewTag
		}
		if image.Digest != "" && image.Digest != overlay.Keep {
			name += "@" + image.Digest
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// edited is the change that an edit makes of a file: none if it makes the same.
func edited(file string, edit func([]byte) ([]byte, error)) ([]fileChange, error) {
	was, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	is, err := edit(was)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if string(was) == string(is) {
		return nil, nil
	}
	return []fileChange{{file, was, is}}, nil
}
