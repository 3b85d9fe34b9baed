namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>
/// Counts the files that a reader opens to follow one path through the library: those of all members on a chain of calls from the path's
/// start to one of its steps. A call of a virtual or interface member is followed to the types that code on the way makes.
/// </summary>
[TestClass]
public sealed class CallPathTests
{
    private static readonly Lazy<SourceGraph> _graph = new(() => SourceGraph.Of(LibrarySource.Files()));

    /// <summary>Another way than the one that is followed: a scheme that overrides the steps which the coefficients give.</summary>
    private static readonly string[] _alternatives = ["Schemes/Bdia.cs"];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void FromATextColumnToAnOptimizerStep() => RequireAtMost(
        22, "ReversibleLmTrainer.Fit",
        "TextColumn.Read", "LanguageModelTokenizer.Encode", "TokenWindows.Training", "TokenBatch.ToTensors", "LanguageNetwork.Embed",
        "DotProductAttention.Of", "Mlp.forward", "Scheme.Step", "Scheme.StepAdjoint", "ChunkedCrossEntropy.Differentiate",
        "StackPass.Backward", "FlatAdamW.Step", "FlatAdamW.StepGroup");

    [TestMethod]
    public void FromATeacherToARetrofittedStudent() => RequireAtMost(
        16, "RetrofitEstimator.Fit",
        "PretrainedFolder.Load", "Conversion.Convert", "DistillationTask.Teach", "ChunkedDivergence.Differentiate", "StackPass.Backward",
        "FlatAdamW.Step", "FlatAdamW.StepGroup", "Agreement.Measure");

    [TestMethod]
    public void FromAQuestionRowToItsScore() => RequireAtMost(
        12, "ZeroShotTransformer.Evaluate",
        "ZeroShotTask.ToItem", "ContinuationEncoder.Encode", "TokenTree.Add", "TokenTreeBatch.Run", "LanguageNetwork.Head",
        "ZeroShotCounts.Add");

    [TestMethod]
    public void FromAFolderToAModel() => RequireAtMost(
        12, "ReversibleCatalog.LoadPretrained",
        "ConfigurationFile.Read", "GptConfiguration.Read", "LlamaConfiguration.Read", "TokenizerLoader.Load", "GptModel.Block",
        "SafeTensorsFile.Open", "TensorStorage.ReadInto");

    private void RequireAtMost(int most, string start, params string[] steps)
    {
        string[] files = [.. _graph.Value.FilesBetween(start, steps).Except(_alternatives)];
        string list = string.Join('\n', files);
        TestContext.WriteLine($"{files.Length} files, of {_graph.Value.FilesFrom(start).Count} that all calls come to:\n{list}");
        Assert.IsLessThanOrEqualTo(most, files.Length, list);
    }
}
