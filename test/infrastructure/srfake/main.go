// Command srfake serves franz-go's in-memory schema registry on a free port of the loopback interface. It prints its
// URL as the first line and ends when its standard input closes. The only argument is the Authorization header that
// every request must carry; without one, none is asked for.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func main() {
	var options []srfake.Option
	if len(os.Args) > 1 {
		options = append(options, srfake.WithAuth(os.Args[1]))
	}
	registry := srfake.New(options...)
	defer registry.Close()
	fmt.Println(registry.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
