using System.Text;

namespace Quickstart;

/// <summary>A row of text.</summary>
internal sealed class TextRow
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public string Text { get; set; } = "";

    /// <summary>Reads the lines of a file. Throws for bytes that are not UTF-8; by default .NET would read them as U+FFFD.</summary>
    public static IEnumerable<TextRow> In(FileInfo file) =>
        File.ReadLines(file.FullName, _strict).Select(line => new TextRow { Text = line });
}

/// <summary>The columns that the model adds to a row.</summary>
internal sealed class ScoredRow
{
    public string Text { get; set; } = "";

    public float LogLikelihood { get; set; }

    public int TokenCount { get; set; }

    public float Perplexity { get; set; }
}
