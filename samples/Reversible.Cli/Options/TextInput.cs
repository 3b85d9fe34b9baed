using System.CommandLine;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The unit of text that becomes a row.</summary>
internal enum DataFormat
{
    /// <summary>Each line of a file.</summary>
    Lines,

    /// <summary>Each whole file.</summary>
    Files,
}

/// <summary>A row of text.</summary>
internal sealed class TextRow
{
    public string Text { get; set; } = "";
}

/// <summary>The options for text files, and the data in them.</summary>
internal sealed class TextInput
{
    private readonly Option<string[]> _files = new("--data")
    {
        Description = "One or more text files in UTF-8.",
        HelpName = "FILE...",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<DataFormat> _format = new("--data-format")
    {
        Description = "Whether each line or each file is one text. An end-of-text token follows each text. Default: lines.",
        HelpName = OptionValue.Placeholder(typeof(DataFormat)),
        CustomParser = OptionValue.Parse<DataFormat>,
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> Options => [_files, _format];

    /// <summary>Returns the data, which is read lazily and never held in memory as a whole.</summary>
    /// <exception cref="UsageException">A file is missing. A file that is not text is reported when its row is read.</exception>
    public IDataView Read(MLContext ml, ParseResult parsed)
    {
        string[] files = parsed.GetValue(_files)!;
        foreach (string file in files)
        {
            if (string.IsNullOrWhiteSpace(file)) throw new UsageException("--data must name files.");
            if (Directory.Exists(file)) throw new UsageException($"--data: '{file}' is a folder. Name the text files in it.");
            if (!File.Exists(file)) throw new UsageException($"--data: the file '{file}' does not exist.");
        }
        IEnumerable<string> texts = parsed.GetValue(_format) == DataFormat.Files
            ? files.Select(StrictText.All)
            : files.SelectMany(StrictText.Lines);
        return ml.Data.LoadFromEnumerable(texts.Select(text => new TextRow { Text = text }));
    }
}
