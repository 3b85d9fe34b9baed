using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Small conversations, and a small model to fine-tune on them.</summary>
internal static class Chats
{
    private static readonly string[] Things = ["red fox", "blue dog", "brown cat"];
    private static readonly MLContext Ml = new(seed: 1);

    private static readonly Lazy<ReversibleLmTransformer> _model = new(() => Corpus.Train(Ml, o =>
        (o.Scheme, o.ContextLength, o.MaxSteps) = (Scheme.Residual, 128, 30)));

    private static readonly Lazy<string> _folder = new(() =>
    {
        var folder = new ScratchFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        _model.Value.SavePretrained(folder.File("model"));
        return folder.File("model");
    });

    /// <summary>A row with the output columns.</summary>
    public sealed class ScoredRow
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }

    /// <summary>A row with a question and an answer.</summary>
    public sealed class PromptRow
    {
        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";

        public string System { get; set; } = "";
    }

    /// <summary>A residual model of bytes with a context of 128.</summary>
    public static ReversibleLmTransformer Model => _model.Value;

    /// <summary>Its folder.</summary>
    public static string Folder => _folder.Value;

    /// <summary>Conversations that are easily learned.</summary>
    public static ConversationRow[] Rows =>
    [
        .. Enumerable.Range(0, 40).Select(i => new ConversationRow
        {
            Roles = ["user", "assistant"], Texts = [$"who {i % 3}?", $"the {Things[i % 3]}"],
        }),
    ];

    /// <summary>Returns conversations as data.</summary>
    public static IDataView View(params ConversationRow[] rows) => Ml.Data.LoadFromEnumerable(rows);

    /// <summary>Writes the conversations as JSON lines.</summary>
    public static void Write(string path) => File.WriteAllLines(path, Rows.Select(row => JsonSerializer.Serialize(
        new { messages = row.Roles.Zip(row.Texts, (role, content) => new { role, content }) })));

    /// <summary>Options of a run that takes a moment.</summary>
    public static FineTuneEstimator.Options Quick => new()
    {
        ModelPath = Folder,
        ChatFormat = ChatFormat.Llama2,
        ContextLength = 80,
        BatchSize = 2,
        MaxSteps = 20,
        WarmupSteps = 2,
        LearningRate = 5e-3,
        EvaluationInterval = 10,
        Seed = 1,
    };

    /// <summary>Fine-tunes the model on the conversations.</summary>
    public static ReversibleLmTransformer Fit(Action<FineTuneEstimator.Options>? change = null, params ConversationRow[] rows)
    {
        FineTuneEstimator.Options options = Quick;
        change?.Invoke(options);
        if (options.WarmupSteps > options.MaxSteps) options.WarmupSteps = options.MaxSteps;
        return Ml.Reversible().FineTune(options).Fit(View(rows.Length > 0 ? rows : Rows));
    }

    /// <summary>Returns the output columns of a model for conversations.</summary>
    public static ScoredRow[] Scores(ITransformer model, params ConversationRow[] rows) =>
        [.. Ml.Data.CreateEnumerable<ScoredRow>(model.Transform(View(rows)), reuseRowObject: false)];
}
