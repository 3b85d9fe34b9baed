using System.CommandLine;
using System.Text;
using Microsoft.ML.Reversible.Cli.Options;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Computes the loss and perplexity of a model on texts.</summary>
internal sealed class ScoreVerb : Verb
{
    private readonly ModelInput _model;
    private readonly TextInput _data;
    private readonly Option<bool> _json;

    public ScoreVerb(Terminal terminal)
        : this(terminal, new ModelInput(), new TextInput(), JsonOption("rows, tokens, nats_per_token, bits_per_byte and perplexity"))
    {
    }

    private ScoreVerb(Terminal terminal, ModelInput model, TextInput data, Option<bool> json)
        : base(
            terminal, "score", "Computes the loss and perplexity of a model on text files: each text by itself, from its first token on.",
            "--model FOLDER --data FILE... [options]",
            new OptionGroup("Model and data", [.. model.Options, .. data.Options]), new OptionGroup("Output", [json])) =>
        (_model, _data, _json) = (model, data, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A table:", "score --model model --data held-out.txt"),
        ("A line of JSON:", "score --model model --data held-out.txt --json"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        MLContext ml = Context(parsed);
        IDataView data = _data.Read(ml, parsed);
        using ReversibleLmTransformer model = _model.Load(ml, parsed);
        long rows = 0, tokens = 0, bytes = 0;
        double nats = 0;
        foreach (ScoredRow row in ml.Data.CreateEnumerable<ScoredRow>(model.Transform(data), reuseRowObject: true))
        {
            cancellationToken.ThrowIfCancellationRequested();
            (rows, tokens, bytes) = (rows + 1, tokens + row.TokenCount, bytes + Encoding.UTF8.GetByteCount(row.Text));
            nats -= row.LogLikelihood;
        }
        if (tokens == 0) throw new UsageException("The data contains no text to evaluate.");

        double perToken = nats / tokens, bitsPerByte = nats / Math.Log(2) / bytes, perplexity = Math.Exp(perToken);
        if (parsed.GetValue(_json))
        {
            new JsonLine().Add("rows", rows).Add("tokens", tokens).Add("nats_per_token", perToken).Add("bits_per_byte", bitsPerByte)
                .Add("perplexity", perplexity).WriteTo(Terminal.Out);
            return ExitCode.Done;
        }
        Table table = new Table().AddColumns("rows", "tokens", "nats per token", "bits per byte", "perplexity");
        table.AddRow($"{rows:N0}", $"{tokens:N0}", $"{perToken:F4}", $"{bitsPerByte:F4}", $"{perplexity:F3}");
        Terminal.ForPeople(json: false).Write(table);
        return ExitCode.Done;
    }

    private sealed class ScoredRow
    {
        public string Text { get; set; } = "";

        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }
    }
}
