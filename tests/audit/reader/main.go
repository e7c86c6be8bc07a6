// Command reader verifies an export of the ledger with Go's checksum database packages and nothing of ours.
//
//	reader EXPORT VKEY [EARLIER]
//
// It opens the checkpoint with note.Open, computes the root from the entries, reads every record's hash through
// tlog.TileHashReader, which authenticates each tile against the checkpoint, proves the inclusion of every entry
// (of a large ledger, of one in each so many), and, given an earlier export, proves that this ledger continues it.
// It ends with status 1 and one line otherwise.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The height of the tiles of c2sp.org/tlog-tiles, and how many hashes a full one has.
const (
	height = 8
	width  = 1 << height
)

// Of a ledger with more entries than this, not every one's inclusion is proved.
const mostProofs = 2000

// An export is a folder in the layout of c2sp.org/tlog-tiles.
type export struct {
	folder string
	tree   tlog.Tree
}

// open reads the checkpoint and checks its Ed25519 signature. Signatures of other kinds are ignored.
func open(folder, vkey string) (*export, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	signed, err := note.Open(content, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	if origin != verifier.Name() {
		return nil, fmt.Errorf("the checkpoint is of %q", origin)
	}
	// ParseTree knows the first line of Go's own log only; the two lines after it are the same.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return nil, err
	}
	return &export{folder, tree}, nil
}

// Height is part of tlog.TileReader.
func (e *export) Height() int { return height }

// SaveTiles is part of tlog.TileReader; nothing is kept.
func (e *export) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles is part of tlog.TileReader. Go puts the height into the path and C2SP does not.
func (e *export) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		content, err := os.ReadFile(filepath.Join(e.folder, path))
		if err != nil {
			return nil, err
		}
		data[i] = content
	}
	return data, nil
}

// entries reads the bundles and gives the hash of each record.
func (e *export) entries() ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for first := int64(0); first < e.tree.N; first += width {
		held := e.tree.N - first
		if held > width {
			held = width
		}
		// Go calls the level of records "data", C2SP calls it "entries".
		path := tlog.Tile{H: height, L: -1, N: first / width, W: int(held)}.Path()
		path = strings.Replace(path, fmt.Sprintf("tile/%d/data/", height), "tile/entries/", 1)
		content, err := os.ReadFile(filepath.Join(e.folder, path))
		if err != nil {
			return nil, err
		}
		for ; held > 0; held-- {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				return nil, fmt.Errorf("%s is cut off", path)
			}
			length := int(binary.BigEndian.Uint16(content))
			hashes = append(hashes, tlog.RecordHash(content[2:2+length]))
			content = content[2+length:]
		}
		if len(content) != 0 {
			return nil, fmt.Errorf("%s is too long", path)
		}
	}
	return hashes, nil
}

// root computes the root from nothing but the hashes of the records.
func root(hashes []tlog.Hash) (tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, hash := range hashes {
		more, err := tlog.StoredHashesForRecordHash(int64(i), hash, reader)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, more...)
	}
	return tlog.TreeHash(int64(len(hashes)), reader)
}

// verify checks the root, every record and every inclusion proof.
func (e *export) verify() error {
	hashes, err := e.entries()
	if err != nil {
		return err
	}
	computed, err := root(hashes)
	if err != nil {
		return err
	}
	if computed != e.tree.Hash {
		return fmt.Errorf("the entries do not have the root that was signed")
	}
	reader := tlog.TileHashReader(e.tree, e)
	for first := 0; first < len(hashes); first += width {
		last := first + width
		if last > len(hashes) {
			last = len(hashes)
		}
		if err := checkRecords(reader, first, hashes[first:last]); err != nil {
			return err
		}
	}
	// Each proof authenticates its tiles anew, which takes its time.
	for index, step := int64(0), 1+e.tree.N/mostProofs; index < e.tree.N; index += step {
		proof, err := tlog.ProveRecord(e.tree.N, index, reader)
		if err != nil {
			return fmt.Errorf("entry %d: %v", index, err)
		}
		if err := tlog.CheckRecord(proof, e.tree.N, e.tree.Hash, index, hashes[index]); err != nil {
			return fmt.Errorf("entry %d: %v", index, err)
		}
	}
	return nil
}

// checkRecords compares records, from the first on, with what the authenticated tiles hold.
func checkRecords(reader tlog.HashReader, first int, hashes []tlog.Hash) error {
	indexes := make([]int64, len(hashes))
	for i := range hashes {
		indexes[i] = tlog.StoredHashIndex(0, int64(first+i))
	}
	held, err := reader.ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("entries from %d: %v", first, err)
	}
	for i, hash := range hashes {
		if held[i] != hash {
			return fmt.Errorf("entry %d is not the one in the tree", first+i)
		}
	}
	return nil
}

// continues proves with this export's tiles that its tree continues the earlier one.
func (e *export) continues(earlier *export) error {
	proof, err := tlog.ProveTree(e.tree.N, earlier.tree.N, tlog.TileHashReader(e.tree, e))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, e.tree.N, e.tree.Hash, earlier.tree.N, earlier.tree.Hash)
}

func run(arguments []string) error {
	if len(arguments) != 2 && len(arguments) != 3 {
		return fmt.Errorf("usage: reader EXPORT VKEY [EARLIER]")
	}
	found, err := open(arguments[0], arguments[1])
	if err != nil {
		return err
	}
	if err := found.verify(); err != nil {
		return err
	}
	if len(arguments) == 3 {
		earlier, err := open(arguments[2], arguments[1])
		if err != nil {
			return fmt.Errorf("the earlier export: %v", err)
		}
		if err := found.continues(earlier); err != nil {
			return fmt.Errorf("it does not continue the earlier export: %v", err)
		}
		fmt.Printf("continues %d\n", earlier.tree.N)
	}
	fmt.Printf("verified %d %s\n", found.tree.N, found.tree.Hash)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1)
	}
}
