using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>What a user does with a model of each family: trains it, trains a folder on, and makes it reversible.</summary>
[TestClass]
public sealed class FamilyRetrofitTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };
    private readonly ScratchFolder _scratch = new();

    private sealed class Row
    {
        [VectorType]
        public int[] Ids { get; set; } = [];
    }

    public static IEnumerable<ModelFamily> Families => Enum.GetValues<ModelFamily>();

    private IDataView Rows => _ml.Data.LoadFromEnumerable(
        Enumerable.Range(0, 40).Select(i => new Row { Ids = [.. Enumerable.Range(i, 16).Select(id => id * 3 % 50)] }));

    [TestCleanup]
    public void DeleteScratch() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AFamilyIsTrainedFromOptionsAndEvaluates(ModelFamily family)
    {
        ReversibleLmTrainer.Options options = Options();
        (options.Family, options.LayerCount, options.HeadCount, options.Width, options.VocabularySize) = (family, 2, 2, 16, 50);
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(Rows);
        Assert.AreEqual(family, model.Configuration.Family);
        float[] perplexities = [.. model.Transform(Rows).GetColumn<float>("Perplexity")];
        Assert.HasCount(40, perplexities);
        Assert.IsTrue(perplexities.All(perplexity => perplexity is > 1 and < 100));
        Assert.HasCount(5, model.GenerateIds([1, 2, 3], new GenerationOptions { MaxTokens = 5, Temperature = 0 }));
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AFolderIsTrainedOnAndSaved(ModelFamily family)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Of(family), Scheme.Leapfrog);
        ReversibleLmTrainer.Options options = Options();
        options.PretrainedFolder = _scratch.File("m");
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(Rows);
        model.SavePretrained(_scratch.File("saved"));
        using ReversibleLmTransformer again = _ml.Reversible().LoadPretrained(_scratch.File("saved"), textColumnName: "Ids");
        Assert.AreEqual(model.Scheme, again.Scheme);
        CollectionAssert.AreEqual(
            model.Transform(Rows).GetColumn<float>("Perplexity").ToArray(), again.Transform(Rows).GetColumn<float>("Perplexity").ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AFolderBecomesReversible(ModelFamily family)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Of(family));
        var options = new RetrofitEstimator.Options { TeacherPath = _scratch.File("m"), Scheme = Scheme.Midpoint };
        (options.TextColumnName, options.ContextLength, options.BatchSize, options.MaxSteps, options.WarmupSteps) = ("Ids", 12, 4, 4, 1);
        using ReversibleLmTransformer student = _ml.Reversible().Retrofit(options).Fit(Rows);
        Assert.AreEqual(family, student.Configuration.Family);
        Assert.IsInstanceOfType<Midpoint>(student.Scheme);
        Assert.IsLessThan(student.Retrofit!.Before.KlPerToken, student.Retrofit.After!.KlPerToken);
    }

    private static ReversibleLmTrainer.Options Options() =>
        new() { TextColumnName = "Ids", ContextLength = 12, BatchSize = 4, MaxSteps = 3, WarmupSteps = 1, Seed = 1 };
}
