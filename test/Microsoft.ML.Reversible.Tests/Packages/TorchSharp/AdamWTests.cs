using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class AdamWTests
{
    [TestMethod]
    public void StepsFollowTheFormula()
    {
        const double rate = 0.1, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, decay = 0.2;
        using var parameter = new Parameter(tensor(new double[] { 1, -2 }));
        using var optimizer = optim.AdamW([parameter], rate, beta1, beta2, eps, decay);
        double[] weights = [1, -2], first = [0, 0], second = [0, 0];
        for (var step = 1; step <= 5; step++)
        {
            (parameter * parameter * step).sum().backward();
            for (var i = 0; i < 2; i++)
            {
                var gradient = 2 * weights[i] * step;
                first[i] = beta1 * first[i] + (1 - beta1) * gradient;
                second[i] = beta2 * second[i] + (1 - beta2) * gradient * gradient;
                var denominator = Math.Sqrt(second[i] / (1 - Math.Pow(beta2, step))) + eps;
                weights[i] = weights[i] * (1 - rate * decay) - rate * first[i] / (1 - Math.Pow(beta1, step)) / denominator;
            }

            optimizer.step();
            TensorAssert.AreClose(weights, parameter, 1e-10);
            parameter.grad = null;
        }
    }

    [TestMethod]
    public void GroupsHaveTheirOwnRatesAndDecay()
    {
        using var moving = new Parameter(ones(1));
        using var resting = new Parameter(ones(1));
        using var optimizer = optim.AdamW(
        [
            new AdamW.ParamGroup([moving], lr: 0.5),
            new AdamW.ParamGroup([resting], lr: 0.5),
        ]);
        optimizer.ParamGroups.Last().LearningRate = 0;
        (moving + resting).sum().backward();
        optimizer.step();
        TensorAssert.AreClose([0.5], moving, 1e-4);
        TensorAssert.AreClose([1], resting);
    }

    [TestMethod]
    public void DecayIsOffUnlessAsked()
    {
        using var parameter = new Parameter(ones(1));
        using var optimizer = optim.AdamW([parameter], 0.1);
        parameter.grad = zeros(1);
        optimizer.step();
        TensorAssert.AreClose([1], parameter);
    }

    [TestMethod]
    public void ClearingWritesZeros()
    {
        using var parameter = new Parameter(ones(2));
        using var optimizer = optim.AdamW([parameter]);
        parameter.sum().backward();
        optimizer.zero_grad();
        TensorAssert.AreClose([0, 0], parameter.grad);
    }

    [TestMethod]
    public void StateOutlivesAScopeAndNothingElseStays()
    {
        using var parameter = new Parameter(ones(2));
        using var optimizer = optim.AdamW([parameter]);
        for (var i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            (parameter * parameter).sum().backward();
            optimizer.step();
        }

        var state = (AdamW.State)optimizer.state_dict().State[0];
        Assert.AreEqual(3, state.step);
        Assert.IsFalse(state.exp_avg.IsInvalid);
        Assert.IsFalse(state.exp_avg_sq.IsInvalid);
    }

    [TestMethod]
    public void GradientsAreScaledDownToTheLargestNorm()
    {
        using var parameter = new Parameter(zeros(2));
        parameter.grad = tensor(new float[] { 3, 4 });
        Assert.AreEqual(5, nn.utils.clip_grad_norm_([parameter], 1), 1e-6);
        TensorAssert.AreClose([0.6, 0.8], parameter.grad, 1e-5);
        Assert.AreEqual(1, nn.utils.clip_grad_norm_([parameter], 2), 1e-5);
        TensorAssert.AreClose([0.6, 0.8], parameter.grad, 1e-5);
    }
}
