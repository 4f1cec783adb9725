# Times a training step (forward, cross entropy, backward, AdamW) of DeiT sizes in PyTorch eager mode, float32, on the CPU: the peer of `binattn bench train`.
# Needs PyTorch alone. The network is written out below as timm's DeiT computes it: attention by matrix products and softmax, exact GELU, pre-norm blocks.
#
#   python3 train_step.py --model deit-tiny --batch 8 --image 224 --threads 2 --repeat 11 --json
import argparse
import json
import statistics
import time

import torch
from torch import nn

SIZES = {"deit-tiny": (192, 3), "deit-small": (384, 6), "deit-base": (768, 12)}


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2, self.act = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.GELU()

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        p = ((q @ k.transpose(-2, -1)) * (width // self.heads) ** -0.5).softmax(dim=-1)
        x = x + self.proj((p @ v).transpose(1, 2).reshape(batch, tokens, width))
        return x + self.fc2(self.act(self.fc1(self.norm2(x))))


class Deit(nn.Module):
    def __init__(self, width, heads, image, depth=12, classes=1000, patch=16):
        super().__init__()
        tokens = (image // patch) ** 2 + 1
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.cls, self.positions = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, tokens, width))
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="deit-tiny", choices=SIZES)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    width, heads = SIZES[arguments.model]
    model = Deit(width, heads, arguments.image)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.05)
    images, labels = torch.randn(arguments.batch, 3, arguments.image, arguments.image), torch.randint(1000, (arguments.batch,))
    wall, processor, forward = [], [], []
    for step in range(arguments.warmup + arguments.repeat):
        start, cpu = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.cross_entropy(model(images), labels)
        middle = time.perf_counter()
        loss.backward()
        optimizer.step()
        if step >= arguments.warmup:
            wall.append(1000 * (time.perf_counter() - start))
            processor.append(1000 * (time.process_time() - cpu))
            forward.append(1000 * (middle - start))
    result = {
        "benchmark": "train", "library": "pytorch " + torch.__version__, "model": arguments.model, "imageSize": arguments.image, "batch": arguments.batch, "threads": arguments.threads,
        "medianMilliseconds": round(statistics.median(wall), 2), "minMilliseconds": round(min(wall), 2), "cpuMilliseconds": round(statistics.median(processor), 2),
        "forwardMilliseconds": round(statistics.median(forward), 2), "repeat": arguments.repeat,
    }
    print(json.dumps(result) if arguments.json else result)


if __name__ == "__main__":
    main()
