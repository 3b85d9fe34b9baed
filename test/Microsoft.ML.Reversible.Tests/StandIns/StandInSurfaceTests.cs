using System.Reflection;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Reversible.Tests.StandIns;

/// <summary>A stand-in may offer nothing that the real package does not, or the library could come to lean on it.</summary>
[TestClass]
public class StandInSurfaceTests
{
    [TestMethod]
    public void Stand_in_for_Microsoft_ML_shows_only_members_of_the_real_package() =>
        AssertNothingBeyond("Microsoft.ML.5.0.0", typeof(Microsoft.ML.MLContext).Assembly);

    [TestMethod]
    public void Stand_in_for_Tokenizers_shows_only_members_of_the_real_package() =>
        AssertNothingBeyond("Microsoft.ML.Tokenizers.2.0.0", typeof(Microsoft.ML.Tokenizers.Tokenizer).Assembly);

    [TestMethod]
    public void Stand_in_for_TorchSharp_shows_only_members_of_the_real_package() =>
        AssertNothingBeyond("TorchSharp.0.105.2", typeof(TorchSharp.torch).Assembly);

    private static void AssertNothingBeyond(string listing, Assembly assembly)
    {
        if (!assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(m => m is { Key: "ReversibleStandIn", Value: "true" }))
        {
            Assert.Inconclusive($"{assembly.GetName().Name}: the real package is loaded.");
        }

        var surface = PublicSurface.Of(assembly).ToArray();
        Assert.IsNotEmpty(surface, $"{assembly.GetName().Name} shows no public type.");
        var beyond = Listing.Read(listing).Lacking(surface);
        if (beyond.Count > 0)
        {
            Assert.Fail($"{beyond.Count} lines that {listing} lacks:\n{string.Join('\n', beyond)}");
        }
    }
}
