using System.Text.Json;
using Microsoft.ML.Reversible.Cli;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>The result of a command line.</summary>
internal sealed record CliRun(int Code, string Out, string Error)
{
    /// <summary>Options of a small model and a short run.</summary>
    public static readonly string[] Quick =
    [
        "--layer-count", "2", "--head-count", "2", "--width", "32", "--context-length", "16", "--batch-size", "4", "--tokenization", "byte",
        "--warmup-steps", "2", "--max-steps", "12", "--seed", "1",
    ];

    /// <summary>The lines of standard output as JSON; anything else in it fails here.</summary>
    public JsonElement[] Json =>
        [.. Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>Runs a command line in this process.</summary>
    public static CliRun Of(params string[] arguments) => With("", CancellationToken.None, arguments);

    /// <summary>Runs a command line with something on standard input.</summary>
    public static CliRun With(string input, CancellationToken cancellationToken, params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int code = Reversible.Cli.CommandLine.Run(arguments, new Terminal(new StringReader(input), output, error), cancellationToken);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>Asserts that the run was refused with one line that says so, and nothing on standard output.</summary>
    public void AssertRefused(params string[] named)
    {
        Assert.AreEqual(1, Code, Error);
        Assert.AreEqual("", Out);
        Assert.AreEqual(1, Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, Error);
        StringAssert.StartsWith(Error, "reversible: ");
        foreach (string text in named) StringAssert.Contains(Error, text);
    }

    /// <summary>Writes rows of the corpus as a text file.</summary>
    public static string WriteText(string path, int rows = 200)
    {
        File.WriteAllLines(path, Corpus.Rows.Take(rows));
        return path;
    }
}
