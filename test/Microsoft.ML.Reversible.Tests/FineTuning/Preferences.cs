using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Small pairs of answers, and runs that align a small model with them.</summary>
internal static class Preferences
{
    private static readonly MLContext Ml = new(seed: 1);

    /// <summary>Pairs whose chosen answers praise the fox.</summary>
    public static PreferenceRow[] Rows =>
    [
        .. Enumerable.Range(0, 40).Select(i => new PreferenceRow
        {
            Roles = ["user"], Texts = [$"who {i % 7}?"], Chosen = "the red fox", Rejected = i % 2 == 0 ? "the blue dog" : "no one",
        }),
    ];

    /// <summary>Options of a run that takes a moment.</summary>
    public static PreferenceEstimator.Options Quick => new()
    {
        ModelPath = Chats.Folder,
        ChatFormat = ChatFormat.Llama2,
        ContextLength = 48,
        BatchSize = 2,
        MaxSteps = 12,
        WarmupSteps = 2,
        LearningRate = 1e-3,
        EvaluationInterval = 6,
        ReportInterval = 1,
        Seed = 1,
    };

    public static IDataView View(params PreferenceRow[] rows) => Ml.Data.LoadFromEnumerable(rows.Length > 0 ? rows : Rows);

    public static ReversibleLmTransformer Fit(Action<PreferenceEstimator.Options>? change = null, params PreferenceRow[] rows)
    {
        PreferenceEstimator.Options options = Quick;
        change?.Invoke(options);
        return Ml.Reversible().AlignPreferences(options).Fit(View(rows));
    }

    /// <summary>Writes the pairs as JSON lines.</summary>
    public static void Write(string path) => File.WriteAllLines(path, Rows.Select(row => JsonSerializer.Serialize(
        new { prompt = row.Texts[0], chosen = row.Chosen, rejected = row.Rejected })));
}
