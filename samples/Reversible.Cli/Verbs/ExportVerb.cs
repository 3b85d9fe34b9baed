using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Writes a model as a file for other programs.</summary>
internal sealed class ExportVerb : Verb
{
    private static readonly (string Name, WeightPrecision Precision)[] _types =
        [("f16", WeightPrecision.Float16), ("bf16", WeightPrecision.BFloat16), ("f32", WeightPrecision.Float32)];

    private readonly ModelInput _model;
    private readonly Option<string> _file;
    private readonly Option<WeightPrecision> _type;

    public ExportVerb(Terminal terminal)
        : this(
            terminal, new ModelInput(),
            new Option<string>("--gguf") { Description = "The file to write, or to replace.", HelpName = "FILE", Required = true },
            new Option<WeightPrecision>("--type")
            {
                Description = "The number type of the matrices. Default: f16.",
                HelpName = string.Join('|', _types.Select(type => type.Name)),
                CustomParser = ReadType,
                DefaultValueFactory = _ => WeightPrecision.Float16,
            })
    {
    }

    private ExportVerb(Terminal terminal, ModelInput model, Option<string> file, Option<WeightPrecision> type)
        : base(
            terminal, "export", "Writes a model with its tokenizer as a GGUF file, which llama.cpp and Ollama run.",
            "--model FOLDER --gguf FILE [options]",
            new OptionGroup("Model", model.FolderOptions), new OptionGroup("Output", [file, type])) =>
        (_model, _file, _type) = (model, file, type);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("Half precision:", "export --model model --gguf model.gguf"),
        ("Full precision:", "export --model model --gguf model.gguf --type f32"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        string file = parsed.GetValue(_file)!;
        if (string.IsNullOrWhiteSpace(file)) throw new UsageException("--gguf must name a file.");
        OutputPath.CheckFile("--gguf", file);
        using ReversibleLmTransformer model = _model.LoadOnCpu(Context(parsed), parsed);
        cancellationToken.ThrowIfCancellationRequested();
        model.SaveGguf(file, parsed.GetValue(_type));
        Terminal.Out.WriteLine($"{file}: {new FileInfo(file).Length:N0} bytes");
        return ExitCode.Done;
    }

    private static WeightPrecision ReadType(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        foreach ((string name, WeightPrecision precision) in _types)
            if (string.Equals(name, text, StringComparison.OrdinalIgnoreCase)) return precision;
        result.AddError($"--type must be one of {string.Join(", ", _types.Select(type => type.Name))}, not '{text}'.");
        return default;
    }
}
