using System.CommandLine;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The options for files of conversations or of pairs of answers, and the data in them.</summary>
internal sealed class ChatInput
{
    private readonly Option<string[]> _data;
    private readonly Option<string[]> _validation;
    private readonly Func<MLContext, IEnumerable<string>, IDataView> _read;

    private ChatInput(string rows, string layouts, Func<MLContext, IEnumerable<string>, IDataView> read)
    {
        _read = read;
        _data = FilesOption("--data", $"One or more files of {rows}: {layouts}.", required: true);
        _validation = FilesOption(
            "--validation", $"Files of {rows} to evaluate on, in place of the last ones of --data. Default: none.", required: false);
    }

    /// <summary>The input of conversations.</summary>
    public static ChatInput Conversations() => new(
        "conversations",
        "JSON lines with messages, conversations, prompt and completion, prompt and response, or instruction and output; or Parquet with "
        + "columns of these names",
        (ml, files) => ml.Data.LoadFromEnumerable(files.SelectMany(file =>
            ParquetConversations.IsParquet(file) ? ParquetConversations.Read(file) : ConversationFile.Read(file)).ToArray()));

    /// <summary>The input of pairs of answers.</summary>
    public static ChatInput Preferences() => new(
        "pairs of answers",
        "JSON lines with prompt, chosen and rejected, or chosen and rejected with whole conversations",
        (ml, files) => ml.Data.LoadFromEnumerable(files.SelectMany(PreferenceFile.Read).ToArray()));

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> Options => [_data, _validation];

    /// <summary>Whether there are files to evaluate on.</summary>
    public bool HasValidation(ParseResult parsed) => parsed.GetResult(_validation) is { Implicit: false };

    /// <summary>Returns the conversations to train on, and those to evaluate on; null if there are none.</summary>
    /// <exception cref="UsageException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or holds something else.</exception>
    public (IDataView Data, IDataView? Validation) Read(MLContext ml, ParseResult parsed) =>
        (Read(ml, "--data", parsed.GetValue(_data)!),
            HasValidation(parsed) ? Read(ml, "--validation", parsed.GetValue(_validation)!) : null);

    private IDataView Read(MLContext ml, string option, string[] files)
    {
        foreach (string file in files)
        {
            if (string.IsNullOrWhiteSpace(file)) throw new UsageException($"{option} must name files.");
            if (Directory.Exists(file)) throw new UsageException($"{option}: '{file}' is a folder. Name the files in it.");
            if (!File.Exists(file)) throw new UsageException($"{option}: the file '{file}' does not exist.");
        }
        return _read(ml, files);
    }

    private static Option<string[]> FilesOption(string name, string description, bool required) => new(name)
    {
        Description = description,
        HelpName = "FILE...",
        Required = required,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };
}
