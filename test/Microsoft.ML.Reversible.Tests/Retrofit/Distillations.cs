using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Tests.Data;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>Distillation tasks of given networks, for single passes on batches that a test makes itself.</summary>
internal static class Distillations
{
    private static readonly TokenCache _tokens =
        TokenCaches.Of([.. Enumerable.Range(0, 12).Select(_ => Enumerable.Range(0, 40).ToArray())]);

    /// <summary>A task; the networks stay the caller's.</summary>
    public static DistillationTask Of(
        LanguageNetwork teacher, LanguageNetwork student, DistillationLoss loss, double hiddenStateWeight = 0,
        IReadOnlyList<LayerPair>? map = null, TeacherCache? answers = null) =>
        new(new LanguageModel(student, tokenizer: null), teacher, _tokens, Options(loss, hiddenStateWeight, map), seed: 1, answers);

    /// <summary>The options of such a task.</summary>
    public static RetrofitEstimator.Options Options(
        DistillationLoss loss, double hiddenStateWeight = 0, IReadOnlyList<LayerPair>? map = null) => new()
    {
        ContextLength = 16,
        Divergence = loss.Divergence,
        Temperature = loss.Temperature,
        CrossEntropyWeight = loss.CrossEntropyWeight,
        JensenShannonWeight = loss.JensenShannonWeight,
        HiddenStateWeight = hiddenStateWeight,
        LayerMap = map,
    };
}
