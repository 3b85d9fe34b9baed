using Microsoft.ML.Reversible.FineTuning;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class PreferenceLossTests
{
    [TestMethod]
    [DataRow(0.1, 0.0, 0.0)]
    [DataRow(2.0, 0.0, 0.0)]
    [DataRow(0.5, 0.3, 0.0)]
    [DataRow(0.5, 0.1, 0.7)]
    public void ValueAndDerivativesAreThoseOfTheFormula(double beta, double smoothing, double sft)
    {
        using var scope = NewDisposeScope();
        double[] p = [-3, -4, -20, -1, -7, -7.5, -900, 0], r = [-3, -4, -10, -9, -8, -5, 0, -900], n = [2, 1, 9, 1, 3, 3, 30, 1];
        (Tensor loss, Tensor gradient) = new PreferenceLoss(beta, smoothing, sft).Of(tensor(p), tensor(r), tensor(n));
        Assert.AreEqual(Plain(p), loss.ToDouble(), 1e-9 * Math.Abs(Plain(p)));
        for (int i = 0; i < p.Length; i++)
        {
            double[] up = [.. p], down = [.. p];
            (up[i], down[i]) = (p[i] + 1e-5, p[i] - 1e-5);
            Assert.AreEqual((Plain(up) - Plain(down)) / 2e-5, gradient[i].ToDouble(), 1e-5, $"{i}");
        }

        double Plain(double[] policy)
        {
            double sum = 0;
            for (int i = 0; i < policy.Length; i += 2)
            {
                double m = beta * ((policy[i] - r[i]) - (policy[i + 1] - r[i + 1]));
                sum += (1 - smoothing) * Softplus(-m) + smoothing * Softplus(m) - sft * policy[i] / n[i];
            }
            return sum;
        }

        static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
    }

    [TestMethod]
    public void AModelThatIsItsReferenceHasTheLossOfNoPreference()
    {
        using var scope = NewDisposeScope();
        Tensor p = tensor(new[] { -3.0, -4 });
        Assert.AreEqual(Math.Log(2), new PreferenceLoss(0.1, 0, 0).Of(p, p, ones_like(p)).Loss.ToDouble(), 1e-12);
    }
}
