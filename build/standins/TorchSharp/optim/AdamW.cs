using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    // Adam with weight decay apart from the gradient. The state belongs to the handles of the parameters.
    public class AdamW : OptimizerHelper, optim.IBetas
    {
        public AdamW(
            IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-08,
            double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : this([new ParamGroup(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)],
                lr, beta1, beta2, eps, weight_decay, amsgrad, maximize) { }

        public AdamW(
            IEnumerable<ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-08,
            double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        {
            CheckRange(lr, 0, double.MaxValue, "learning rate");
            CheckRange(beta1, 0, 1, "beta1");
            CheckRange(beta2, 0, 1, "beta2");
            CheckRange(eps, 0, double.MaxValue, "eps");
            CheckRange(weight_decay, 0, double.MaxValue, "weight decay");
            var defaults = new Options
            {
                LearningRate = lr,
                InitialLearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            };
            foreach (var group in parameters)
            {
                group.Options.FillFrom(defaults);
                add_param_group(group);
            }
        }

        public (double, double) Betas
        {
            get => ((ParamGroup)Groups[0]).Betas;
            set
            {
                foreach (var group in Groups)
                    ((ParamGroup)group).Betas = value;
            }
        }

        public override void add_param_group(Modules.ParamGroup param_group)
        {
            base.add_param_group(param_group);
            foreach (var parameter in param_group.Parameters)
                States[parameter.Handle] = new State(parameter, ((Options)param_group.Options).amsgrad == true);
        }

        public override Tensor step(Func<Tensor> closure = null)
        {
            Tensor loss = null;
            if (closure is not null)
                using (enable_grad())
                    loss = closure();
            using (no_grad())
            using (var scope = NewDisposeScope())
                foreach (var group in Groups)
                    foreach (var parameter in group.Parameters)
                    {
                        var state = (State)States[parameter.Handle];
                        if (parameter.grad is { } grad)
                            Update(parameter, grad, state, (Options)group.Options);
                        scope.DisposeEverything();
                    }
            return loss;
        }

        protected override void Dispose(bool disposing)
        {
            if (!disposing)
                return;
            foreach (var state in States.Values)
                ((State)state).Dispose();
            States.Clear();
        }

        private static void Update(Parameter parameter, Tensor grad, State state, Options options)
        {
            var (lr, beta1, beta2) = (options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value);
            if (options.maximize == true)
                grad = -grad;
            state.step++;
            if (options.weight_decay is { } decay && decay != 0)
                parameter.mul_(1 - lr * decay);
            state.exp_avg.mul_(beta1).add_(grad, 1 - beta1);
            state.exp_avg_sq.mul_(beta2).addcmul_(grad, grad, 1 - beta2);
            var correction1 = 1 - Math.Pow(beta1, state.step);
            var correction2 = 1 - Math.Pow(beta2, state.step);
            var second = state.exp_avg_sq;
            if (options.amsgrad == true)
            {
                using var larger = state.max_exp_avg_sq.maximum(second);
                second = state.max_exp_avg_sq.copy_(larger);
            }
            var denominator = second.sqrt().div_(Math.Sqrt(correction2)).add_(options.eps!.Value);
            parameter.addcdiv_(state.exp_avg, denominator, -lr / correction1);
        }

        private static void CheckRange(double value, double low, double high, string what)
        {
            if (!(value >= low && value <= high))
                throw new ArgumentException($"Invalid {what}: {value}");
        }

        public class Options : OptimizerOptions
        {
            public double? beta1;
            public double? beta2;
            public double? eps;
            public double? weight_decay;
            public bool? amsgrad;
            public bool? maximize;

            internal void FillFrom(Options defaults)
            {
                LearningRate ??= defaults.LearningRate;
                InitialLearningRate = LearningRate!.Value;
                beta1 ??= defaults.beta1;
                beta2 ??= defaults.beta2;
                eps ??= defaults.eps;
                weight_decay ??= defaults.weight_decay;
                amsgrad ??= defaults.amsgrad;
                maximize ??= defaults.maximize;
            }
        }

        public class ParamGroup : ParamGroup<Options>, optim.IBetas
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

            public ParamGroup(
                IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-08,
                double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : base(parameters, new Options
                {
                    LearningRate = lr,
                    beta1 = beta1,
                    beta2 = beta2,
                    eps = eps,
                    weight_decay = weight_decay,
                    amsgrad = amsgrad,
                    maximize = maximize,
                }) { }

            public (double, double) Betas
            {
                get => (Options.beta1!.Value, Options.beta2!.Value);
                set => (Options.beta1, Options.beta2) = value;
            }
        }

        public class State : OptimizerState, IDisposable
        {
            public long step;
            public Tensor exp_avg;
            public Tensor exp_avg_sq;
            public Tensor max_exp_avg_sq;

            public State(Parameter parameter) : this(parameter, false) { }

            internal State(Parameter parameter, bool amsgrad) : base(parameter)
            {
                exp_avg = zeros_like(parameter).DetachFromDisposeScope();
                exp_avg_sq = zeros_like(parameter).DetachFromDisposeScope();
                if (amsgrad)
                    max_exp_avg_sq = zeros_like(parameter).DetachFromDisposeScope();
            }

            public override void to(Device device)
            {
                exp_avg = Moved(exp_avg, device);
                exp_avg_sq = Moved(exp_avg_sq, device);
                if (max_exp_avg_sq is not null)
                    max_exp_avg_sq = Moved(max_exp_avg_sq, device);
            }

            public void Dispose()
            {
                exp_avg.Dispose();
                exp_avg_sq.Dispose();
                max_exp_avg_sq?.Dispose();
            }

            private static Tensor Moved(Tensor tensor, Device device)
            {
                if (tensor.device_type == device.type && (device.index < 0 || tensor.device_index == device.index))
                    return tensor;
                var moved = tensor.to(device, disposeAfter: true);
                return moved.DetachFromDisposeScope();
            }
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public static Modules.AdamW AdamW(
                IEnumerable<Modules.Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-08,
                double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Modules.AdamW AdamW(
                IEnumerable<(string name, Modules.Parameter parameter)> parameters, double lr = 0.001, double beta1 = 0.9,
                double beta2 = 0.999, double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Modules.AdamW AdamW(
                IEnumerable<Modules.AdamW.ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}
