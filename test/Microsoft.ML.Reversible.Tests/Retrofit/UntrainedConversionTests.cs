using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>
/// A small trained Llama under other schemes, without any training, on held-out stories. The first two figures of a scheme are those of all
/// windows; the next two an independent implementation's on windows of the same text, which need not be cut alike; the last two those of
/// the quick run's windows.
/// </summary>
[TestClass]
public sealed partial class UntrainedConversionTests
{
    private const int WindowSize = 256;
    private const int BeginOfText = 1;

    /// <summary>All windows where the environment variable REVERSIBLE_FULL is 1, else a tenth of them.</summary>
    private static readonly bool Full = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1";

    private static LanguageModel? _teacher;
    private static TeacherComparison? _comparison;

    [ClassCleanup]
    public static void Free() => _teacher?.Dispose();

    [TestMethod]
    [DataRow("blend:2", 0.358, 0.692, 0.388, 0.694, 0.3488, 0.686)]
    [DataRow("blend:4", 0.0737, 0.857, 0.077, 0.858, 0.0709, 0.859)]
    [DataRow("blend:8", 0.0185, 0.926, 0.0187, 0.928, 0.01765, 0.924)]
    [DataRow("blend:16", 0.00471, 0.962, 0.0047, 0.963, 0.00451, 0.959)]
    [DataRow("blend:32", 0.0012, 0.98, 0.0012, 0.981, 0.001144, 0.978)]
    [DataRow("iterated-inverse:a=0.5", 0.167, 0.791, 0.185, 0.797, 0.1664, 0.791)]
    [DataRow("iterated-inverse:a=0.25", 0.0331, 0.903, 0.036, 0.906, 0.0320, 0.904)]
    [DataRow("iterated-inverse:a=0.125", 0.00808, 0.95, 0.0088, 0.952, 0.00782, 0.951)]
    [DataRow("iterated-inverse:a=0.0625", 0.00203, 0.975, 0.0022, 0.975, 0.001964, 0.972)]
    [DataRow("iterated-inverse:a=1", 2.17, 0.269, 2.40, 0.257, 2.146, 0.275)]
    [DataRow("iterated-inverse:a=1,m=2", 3.11, 0.166, 3.37, 0.158, 3.061, 0.175)]
    [DataRow("iterated-inverse:a=1,m=3", 4.16, 0.096, 4.22, 0.100, 4.118, 0.104)]
    [DataRow("iterated-inverse:a=-1", 1.17, 0.41, 1.15, 0.439, 1.135, 0.410)]
    [DataRow("midpoint:0.25,start=euler", 3.24, 0.133, 3.35, 0.146, 3.239, 0.138)]
    [DataRow("midpoint:0.5,start=euler", 2.18, 0.256, 2.31, 0.268, 2.134, 0.263)]
    [DataRow("midpoint:0.75,start=euler", 2.73, 0.199, 2.84, 0.210, 2.670, 0.204)]
    public void AConversionIsAsFarFromTheTeacherAsItShouldBe(
        string scheme, double divergence, double agreement, double divergenceElsewhere, double agreementElsewhere,
        double quickDivergence, double quickAgreement)
    {
        TeacherComparison comparison = _comparison ??= Prepare();
        TeacherComparison.Result result = comparison.Of(
            Scheme.Parse(scheme), Full ? comparison.WindowCount : comparison.WindowCount / 10);
        Assert.AreEqual(divergenceElsewhere, result.Divergence, 0.12 * divergenceElsewhere);
        Assert.AreEqual(agreementElsewhere, result.Agreement, 0.03);
        (double expected, double same) = Full ? (divergence, agreement) : (quickDivergence, quickAgreement);
        Assert.AreEqual(expected, result.Divergence, 0.03 * expected);
        Assert.AreEqual(same, result.Agreement, 0.006);
    }

    private static TeacherComparison Prepare()
    {
        _teacher = TestFolders.Load(TestData.Require("stories260k/hf-llama-form"));
        var tokenizer = LanguageModelTokenizer.Load(TestData.Require("stories260k/tok512.model"));
        string text = File.ReadAllText(TestData.Require("tinystories-sample/tiny_stories.txt"));
        int[] ids = [.. StoryEnd().Split(text).SelectMany(story => (int[])[BeginOfText, .. tokenizer.Encode(story)])];
        return new TeacherComparison(_teacher.Network, ids[(int)(0.9 * ids.Length)..], WindowSize);
    }

    /// <summary>Stories are parted by one newline, their paragraphs by two.</summary>
    [GeneratedRegex(@"(?<!\n)\n(?!\n)")]
    private static partial Regex StoryEnd();
}
