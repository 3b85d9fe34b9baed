namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class GenerationOptionsTests
{
    public static IEnumerable<object[]> BadOptions =>
    [
        [nameof(GenerationOptions.MaxTokens), new GenerationOptions { MaxTokens = -1 }],
        [nameof(GenerationOptions.Temperature), new GenerationOptions { Temperature = -0.1 }],
        [nameof(GenerationOptions.Temperature), new GenerationOptions { Temperature = double.NaN }],
        [nameof(GenerationOptions.Temperature), new GenerationOptions { Temperature = double.PositiveInfinity }],
        [nameof(GenerationOptions.TopK), new GenerationOptions { TopK = -1 }],
        [nameof(GenerationOptions.TopP), new GenerationOptions { TopP = 0 }],
        [nameof(GenerationOptions.TopP), new GenerationOptions { TopP = 1.01 }],
        [nameof(GenerationOptions.TopP), new GenerationOptions { TopP = double.NaN }],
        [nameof(GenerationOptions.RepetitionPenalty), new GenerationOptions { RepetitionPenalty = 0 }],
        [nameof(GenerationOptions.RepetitionPenalty), new GenerationOptions { RepetitionPenalty = double.PositiveInfinity }],
        [nameof(GenerationOptions.StopStrings), new GenerationOptions { StopStrings = ["a", ""] }],
        [nameof(GenerationOptions.StopStrings), new GenerationOptions { StopStrings = [null!] }],
        [nameof(GenerationOptions.ContextOverflow), new GenerationOptions { ContextOverflow = (ContextOverflow)2 }],
    ];

    [TestMethod]
    [DynamicData(nameof(BadOptions))]
    public void AnOptionOutOfItsRangeIsNamed(string name, GenerationOptions options)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => options.Checked());
        Assert.AreEqual(name, e.ParamName);
        StringAssert.StartsWith(e.Message, name);
    }

    [TestMethod]
    public void EveryOptionButTheSeedHasABadValueAbove()
    {
        string[] options = [
            .. typeof(GenerationOptions).GetProperties().Select(p => p.Name).Where(n => n != nameof(GenerationOptions.Seed))];
        CollectionAssert.AreEquivalent(options, BadOptions.Select(row => (string)row[0]).Distinct().ToArray());
    }

    [TestMethod]
    public void TheEndsOfTheRangesAreLegal() =>
        new GenerationOptions
        {
            MaxTokens = int.MaxValue, Temperature = double.Epsilon, TopK = int.MaxValue, TopP = double.Epsilon,
            RepetitionPenalty = double.Epsilon,
            Seed = int.MinValue, ContextOverflow = ContextOverflow.Refuse,
        }.Checked();

    [TestMethod]
    public void WhatIsChangedAfterTheCheckChangesNothing()
    {
        string[] stops = ["a"];
        var options = new GenerationOptions { MaxTokens = 3, StopStrings = stops };
        GenerationOptions settled = options.Checked();
        (options.MaxTokens, stops[0]) = (4, "b");
        Assert.AreEqual((3, "a"), (settled.MaxTokens, settled.StopStrings[0]));
    }
}
